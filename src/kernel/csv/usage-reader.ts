/**
 * Reads usage records out of the bytes of a CSV file into batches: the fast path as long as it goes, the slow path for each
 * surprise.
 */
import { longestRow } from '../../providers/decode/csv-row.ts';
import { batchRows, type UsageBatch } from '../usage-batch.ts';
import type { UsageColumns } from '../usage-layout.ts';
import { fastReader } from './csv-fast.ts';
import { type RecordFault, SlowRecords, shownOffset } from './csv-slow.ts';

/** An open quote would otherwise make the rest of a file one record. */
export const longestRecord = longestRow;

/** The file cannot be read on: it is refused as a whole. */
export class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError';
}

export interface UsageReader {
  /** The thread's only one for these columns: it is worked off before anybody reads again. */
  readonly batch: UsageBatch;
  /**
   * Reads records from `at` on until the batch is full, `stop` is reached (a record that begins before it is read) or no
   * whole record is left; answers where it stopped. Behind `end` there must be 32 bytes of 0. `base` is the file offset of
   * byte 0, `last` says that the file ends at `end`.
   */
  read(bytes: Buffer, view: DataView, at: number, stop: number, end: number, base: number, last: boolean): number;
  /** No whole record is left in the bytes. */
  readonly starved: boolean;
  /** Wrong records since the last `read`. */
  readonly faults: readonly RecordFault[];
}

export function usageReader(columns: UsageColumns): UsageReader {
  const { batch, read: fast } = fastReader(columns);
  const slow = new SlowRecords(columns);
  const faults: RecordFault[] = [];
  const reader = { batch, faults, starved: false, read };

  function read(
    bytes: Buffer,
    view: DataView,
    from: number,
    stop: number,
    end: number,
    base: number,
    last: boolean,
  ): number {
    faults.length = 0;
    reader.starved = false;
    let at = from;
    while (at < stop && batch.rows < batchRows) {
      at = fast(bytes, view, at, stop, end, base);
      if (at >= stop || batch.rows >= batchRows) break;
      const next = slow.read(bytes, at, end, last);
      if (next < 0) {
        reader.starved = true;
        break;
      }
      if (slow.endless) {
        throw new UnreadableFileError(
          `the line at byte ${shownOffset(base + at)} does not end within ${longestRecord} bytes; is it a CSV file?`,
        );
      }
      const fault = slow.take(bytes, batch, base + at);
      if (fault !== null) faults.push(fault);
      at = next;
    }
    return at;
  }

  return reader;
}
