/**
 * The lines of a plain SP16X file through the decoder by hand: framed, summed, seen once. Only what a good file needs: any fault
 * is thrown, and header and trailer are passed over.
 */
import { crc32 } from 'node:zlib';
import { SeenIds } from '../../../src/providers/decode/seen-ids.ts';
import { lineLength, recordLayout } from '../../../src/providers/kpn-sp16/layout.ts';
import { ExactSum } from '../../../src/telecom/exact-sum.ts';
import { LineDecoder, type LineDecoderOptions } from './line.ts';
import type { HandSink } from './record.ts';

const frame = lineLength + 2;
const workBytes = 320 * 1024;
const idAt = recordLayout.id.from - 1;

export class HandFile {
  readonly #sink: HandSink;
  readonly #lines: LineDecoder;
  readonly #seen: SeenIds;
  readonly #work = Buffer.allocUnsafeSlow(workBytes);
  readonly #sum = new ExactSum();
  #filled = 0;
  #line = 0;
  #crc = 0;

  constructor(options: LineDecoderOptions & { readonly expectedRecords: number }, sink: HandSink) {
    this.#sink = sink;
    this.#lines = new LineDecoder(options);
    this.#seen = new SeenIds(options.expectedRecords);
  }

  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + workBytes - this.#filled);
      this.#work.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      this.#consume();
    }
  }

  #consume(): void {
    const work = this.#work;
    const end = this.#filled;
    let at = 0;
    for (; at + frame <= end; at += frame) {
      if (work[at + frame - 2] !== 13 || work[at + frame - 1] !== 10)
        throw new Error(`line ${this.#line + 1} has no frame`);
      this.#line += 1;
      const edge = (work[at] === 48 && work[at + 1] === 48) || (work[at] === 57 && work[at + 1] === 57);
      if (!edge) this.#record(at);
    }
    this.#crc = crc32(work.subarray(0, at), this.#crc);
    work.copyWithin(0, at, end);
    this.#filled = end - at;
  }

  #record(at: number): void {
    const found = this.#lines.decode(this.#work, at, this.#line);
    if (found) throw new Error(`line ${this.#line}: ${found.field} ${found.what}`);
    const { record } = this.#lines;
    this.#sum.add(record.amountUnits);
    const { hashHigh, hashLow } = record;
    const from = at + idAt;
    if (this.#seen.note(this.#work, from, from + 12, hashHigh, hashLow, this.#line) === 'new')
      this.#sink.record(record);
  }
}
