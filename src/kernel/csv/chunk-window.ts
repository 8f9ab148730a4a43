/** A window that moves over a file in chunks of 256 KiB; what a reader left over is carried to its beginning. */
import { closeSync, openSync, readSync } from 'node:fs';
import { readAhead } from './csv-fast.ts';
import { longestRecord } from './usage-reader.ts';

export const chunkBytes = 256 * 1024;

export class ChunkWindow {
  readonly #file: number;
  readonly #size: number;
  readonly #chunk: number;
  readonly bytes: Buffer;
  readonly view: DataView;
  /** File offset of `bytes[0]`. */
  base = 0;
  /** Behind the last byte that was read; 32 bytes of 0 follow. */
  end = 0;

  /** `size` is the file's. Throws what `open` throws. */
  constructor(path: string, size: number, chunk = chunkBytes) {
    this.#file = openSync(path, 'r');
    this.#size = size;
    this.#chunk = chunk;
    this.bytes = Buffer.allocUnsafeSlow(longestRecord + chunk + readAhead);
    this.view = new DataView(this.bytes.buffer);
  }

  /** The window ends where the file ends. */
  get last(): boolean {
    return this.base + this.end >= this.#size;
  }

  /** Goes to a file offset. */
  seek(offset: number): void {
    this.base = offset;
    this.end = 0;
    this.#fill();
  }

  /** Drops what is before `at` and reads on. */
  advance(at: number): void {
    this.bytes.copyWithin(0, at, this.end);
    this.base += at;
    this.end -= at;
    this.#fill();
  }

  close(): void {
    closeSync(this.#file);
  }

  #fill(): void {
    const room = Math.min(this.bytes.length - readAhead - this.end, this.#chunk);
    const want = Math.min(room, this.#size - this.base - this.end);
    for (let got = 0; got < want; ) {
      const read = readSync(this.#file, this.bytes, this.end, want - got, this.base + this.end);
      if (read === 0) throw new Error(`the file became shorter than ${this.#size} bytes while it was read`);
      got += read;
      this.end += read;
    }
    this.bytes.fill(0, this.end, this.end + readAhead);
  }
}
