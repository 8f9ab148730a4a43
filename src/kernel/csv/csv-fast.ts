/**
 * The fast path over CSV, made for one file's columns: a function whose code has the columns in their order, the kinds' words
 * and the usual widths as constants, so that a declared layout costs nothing per record. It reads nothing but the plainest form
 * of each field: at any surprise it stops before the record, and the slow path (csv-slow.ts) decides.
 *
 * The code is made from the layout's structure and from kind words as numbers; no text of a file gets into it.
 */
import { parseIsoDate } from '../../telecom/civil-date.ts';
import type { UsageBatch } from '../usage-batch.ts';
import { batchRows, usageBatch } from '../usage-batch.ts';
import type { UsageColumns } from '../usage-layout.ts';
import { fieldCode } from './csv-fields.ts';

/**
 * Fills the batch from row `batch.rows` on; answers where the first record begins that it did not take: because the batch is
 * full, because the bytes are at their end, or at a surprise. Behind `end` there are 32 bytes of 0; `base` is the file offset
 * of byte 0.
 */
export type FastReader = (
  bytes: Uint8Array,
  view: DataView,
  at: number,
  stop: number,
  end: number,
  base: number,
) => number;

/** Zero bytes that a reader needs behind the last one. */
export const readAhead = 32;

/** Dates as the bytes of `2026`, `-06-` and `-15T`, each at the code of its day. */
interface Dates {
  readonly years: Int32Array;
  readonly months: Int32Array;
  readonly days: Int32Array;
  /** UTC milliseconds. */
  readonly dayMs: Float64Array;
  /** Where a date stands that was not met yet; -1: nowhere. */
  unknownAt: number;
}

/** A reader and what it fills. */
export interface FilledBatch {
  readonly read: FastReader;
  readonly batch: UsageBatch;
}

/**
 * By their code: a thread's next file of the same columns finds its reader compiled and warm. A thread has one for each code and
 * not more: the code that V8 makes of a function that exists once has the addresses of its arrays in it, and it needs less of them.
 */
const made = new Map<string, FilledBatch>();
const mostMade = 32;

/** Who asks for it has it until somebody else on this thread does: tasks run one after the other, and nothing is left in it. */
export function fastReader(columns: UsageColumns): FilledBatch {
  const code = codeOf(columns);
  let reader = made.get(code);
  if (reader === undefined) {
    reader = make(code);
    if (made.size >= mostMade) made.clear();
    made.set(code, reader);
  }
  reader.batch.rows = 0;
  return reader;
}

function make(code: string): FilledBatch {
  const batch = usageBatch();
  const dates: Dates = {
    years: new Int32Array(256),
    months: new Int32Array(256),
    days: new Int32Array(256),
    dayMs: new Float64Array(256),
    unknownAt: -1,
  };
  const makeRead = new Function('batch', 'tens', 'dates', code) as (...known: unknown[]) => FastReader;
  const read = makeRead(batch, Float64Array.of(1, 10, 100, 1000), dates);
  const readOn: FastReader = (bytes, view, from, stop, end, base) => {
    let at = from;
    for (;;) {
      dates.unknownAt = -1;
      at = read(bytes, view, at, stop, end, base);
      if (dates.unknownAt < 0 || !learn(dates, bytes, view)) return at;
    }
  };
  return { read: readOn, batch };
}

function codeOf(columns: UsageColumns): string {
  return `
    const { keyHigh, keyLow, offset, subscriber, kind, toAt, toDigits, startMs, usage, chargeE8 } = batch;
    const { years, months, days, dayMs } = dates;
    return function read(bytes, view, from, stop, end, base) {
      let at = from, row = batch.rows, newDate = -1;
      let p = 0, s = 0, w = 0, m = 0, k = 0, t = 0, v = 0, x = 0, y = 0;
      records: while (at < stop && row < ${batchRows}) {
        p = at;
        ${columns.fields.map((field, column) => fieldCode(field, column, columns)).join('\n')}
        if (p > end || p - at > 65536) break;
        offset[row] = base + at;
        row += 1;
        at = p;
      }
      batch.rows = row;
      dates.unknownAt = newDate;
      return at;
    };`;
}

/** False when it is no date. */
function learn(dates: Dates, bytes: Uint8Array, view: DataView): boolean {
  const at = dates.unknownAt;
  if (bytes[at + 10] !== 84) return false;
  const dayMs = parseIsoDate(String.fromCharCode(...bytes.subarray(at, at + 10))) * 86_400_000;
  if (Number.isNaN(dayMs)) return false;
  const day = view.getInt32(at + 7, true);
  const code = ((day >>> 4) & 240) | ((day >>> 16) & 15);
  dates.years[code] = view.getInt32(at, true);
  dates.months[code] = view.getInt32(at + 4, true);
  dates.days[code] = day;
  dates.dayMs[code] = dayMs;
  return true;
}
