/**
 * The part of a file that a framer is at: chunks of any size go in behind, and what was cut into records goes out before. Framers
 * read `bytes` up to `filled`.
 */
export class WorkBuffer {
  readonly bytes: Buffer;
  readonly #capacity: number;
  filled = 0;
  /** Bytes of the file that are done with. */
  before = 0;

  /** `spare` bytes behind the file's own are the framer's. */
  constructor(capacity: number, spare = 0) {
    this.#capacity = capacity;
    this.bytes = Buffer.alloc(capacity + spare);
  }

  /** `consume` answers how many of the bytes it is done with; it must leave less than the capacity, or throw. */
  push(chunk: Uint8Array, consume: () => number): void {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + this.#capacity - this.filled);
      this.bytes.set(part, this.filled);
      this.filled += part.length;
      from += part.length;
      this.drop(consume());
    }
  }

  drop(bytes: number): void {
    this.bytes.copyWithin(0, bytes, this.filled);
    this.before += bytes;
    this.filled -= bytes;
  }
}
