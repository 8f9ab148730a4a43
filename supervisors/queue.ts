/**
 * The messages of one actor, first in, first out. It belongs to the actor's stable address, not to an incarnation, so
 * what waited at a crash waits for the next incarnation. Each message carries its sender's trace context and the time it
 * was sent. Taking from the front is O(1) amortised: a head index moves, and the dead front is cut off once it is most
 * of the array.
 */
export interface Envelope<Message> {
  readonly message: Message;
  readonly trace: unknown;
  readonly sentAtMs: number;
}

const CUT_AT = 1_024;

export class MessageQueue<Message> {
  #items: (Envelope<Message> | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(envelope: Envelope<Message>): void {
    this.#items.push(envelope);
  }

  peek(): Envelope<Message> | undefined {
    return this.#items[this.#head];
  }

  shift(): Envelope<Message> | undefined {
    const envelope = this.#items[this.#head];
    if (envelope === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= CUT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return envelope;
  }

  /** Empties the queue and tells how many messages were in it. */
  clear(): number {
    const count = this.length;
    this.#items = [];
    this.#head = 0;
    return count;
  }
}
