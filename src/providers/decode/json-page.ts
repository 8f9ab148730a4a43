/**
 * Walks one object to the array that holds its items, through the items, and to its end, as far as the bytes at hand go.
 *
 *   before -> object -> (deeper objects on the way) -> items -> (back out) -> after
 *
 * Everything beside the way is checked and passed over. The array must be there exactly once.
 */
import type { JsonItem } from './json-item.ts';
import { closingQuote, hasEscape, incomplete, malformed, quote, skipSpace } from './json-text.ts';

type Expects = 'object' | 'first-name' | 'name' | 'value' | 'comma' | 'first-item' | 'item' | 'item-comma' | 'nothing';

const brace = 123;
const braceEnd = 125;
const bracket = 91;
const bracketEnd = 93;
const comma = 44;
const colon = 58;

export class JsonPage {
  readonly #way: readonly string[];
  readonly #item: JsonItem;
  #expects: Expects = 'object';
  /** How many objects on the way are open. */
  #depth = 0;
  /** The name just read is the next one on the way. */
  #onWay = false;
  #found = false;
  /** What stands before it is done with. */
  at = 0;
  /** Where the item begins that `next` just read; -1 when it came to the end of something else. */
  itemAt = -1;
  problem = 'is no JSON';

  constructor(way: readonly string[], item: JsonItem) {
    this.#way = way;
    this.#item = item;
  }

  get ended(): boolean {
    return this.#expects === 'nothing';
  }

  /** Walks on to behind the next item or to the end of the bytes. Answers the position, `incomplete` (see `at`) or `malformed`. */
  next(bytes: Buffer, from: number, end: number, scratch: number): number {
    this.at = from;
    this.itemAt = -1;
    for (;;) {
      const at = skipSpace(bytes, this.at, end);
      this.at = at;
      if (at >= end) return incomplete;
      const next = this.#step(bytes, at, end, scratch);
      if (next < 0) return next;
      this.at = next;
      if (this.itemAt >= 0) return next;
    }
  }

  #step(bytes: Buffer, at: number, end: number, scratch: number): number {
    const byte = bytes[at];
    switch (this.#expects) {
      case 'object':
        if (byte !== brace) return this.#bad('is no JSON object');
        this.#depth += 1;
        return this.#go('first-name', at + 1);
      case 'first-name':
        return byte === braceEnd ? this.#close(at) : this.#name(bytes, at, end);
      case 'name':
        return this.#name(bytes, at, end);
      case 'value':
        return this.#value(bytes, at, end, scratch);
      case 'comma':
        if (byte === braceEnd) return this.#close(at);
        return byte === comma ? this.#go('name', at + 1) : this.#bad('is no JSON');
      case 'first-item':
      case 'item': {
        if (byte === bracketEnd && this.#expects === 'first-item') return this.#go('comma', at + 1);
        if (byte !== brace) return this.#bad('has something else than objects among its items');
        const next = this.#item.read(at, end, scratch);
        if (next < 0) return next;
        this.itemAt = at;
        return this.#go('item-comma', next);
      }
      case 'item-comma':
        if (byte === bracketEnd) return this.#go('comma', at + 1);
        return byte === comma ? this.#go('item', at + 1) : this.#bad('is no JSON');
      case 'nothing':
        return this.#bad('goes on after its object');
    }
  }

  /** A name and its colon. */
  #name(bytes: Buffer, at: number, end: number): number {
    if (bytes[at] !== quote) return this.#bad('is no JSON');
    const to = closingQuote(bytes, at + 1, end);
    if (to < 0) return to;
    const next = skipSpace(bytes, to + 1, end);
    if (next >= end) return incomplete;
    if (bytes[next] !== colon) return this.#bad('is no JSON');
    if (hasEscape(bytes, at + 1, to)) return this.#bad('has an escape in a name beside its items');
    this.#onWay = bytes.toString('utf8', at + 1, to) === this.#way[this.#depth - 1];
    return this.#go('value', next + 1);
  }

  #value(bytes: Buffer, at: number, end: number, scratch: number): number {
    if (!this.#onWay) {
      const next = this.#item.skip(at, end, scratch);
      return next < 0 ? next : this.#go('comma', next);
    }
    const last = this.#depth === this.#way.length;
    if (bytes[at] !== (last ? bracket : brace))
      return this.#bad(`has no ${last ? 'array' : 'object'} at ${this.#here()}`);
    if (last && this.#found) return this.#bad(`has two arrays at ${this.#here()}`);
    if (last) {
      this.#found = true;
      return this.#go('first-item', at + 1);
    }
    this.#depth += 1;
    return this.#go('first-name', at + 1);
  }

  #close(at: number): number {
    this.#depth -= 1;
    if (this.#depth > 0) return this.#go('comma', at + 1);
    if (!this.#found) return this.#bad(`has no array at ${this.#way.join('.')}`);
    return this.#go('nothing', at + 1);
  }

  #here(): string {
    return this.#way.slice(0, this.#depth).join('.');
  }

  #go(expects: Expects, next: number): number {
    this.#expects = expects;
    return next;
  }

  #bad(problem: string): number {
    this.problem = problem;
    return malformed;
  }
}
