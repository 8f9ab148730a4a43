/**
 * Records from before 2000 or after 2149 are wrong: the imports say the same of the first, and the clock of the tariffs knows no
 * later ones (telecom/local-time.ts) with a call of 2^30 seconds behind them.
 */

import type { UsageBatch } from '../usage-batch.ts';
import type { RecordFault } from './csv-slow.ts';

const fromMs = Date.UTC(2000, 0, 1);
const toMs = Date.UTC(2150, 0, 1);

/** Takes such records out of the batch and tells them. */
export function dropImpossibleStarts(batch: UsageBatch, fault: (fault: RecordFault) => void): void {
  const { rows, startMs } = batch;
  let row = 0;
  while (row < rows && startMs[row]! >= fromMs && startMs[row]! < toMs) row += 1;
  if (row === rows) return;
  let kept = row;
  for (; row < rows; row += 1) {
    if (startMs[row]! >= fromMs && startMs[row]! < toMs) moveRow(batch, row, kept++);
    else fault({ offset: batch.offset[row]!, code: 'bad-value', field: 'start' });
  }
  batch.rows = kept;
}

function moveRow(batch: UsageBatch, from: number, to: number): void {
  const { rows: _, ...columns } = batch;
  for (const column of Object.values(columns)) column[to] = column[from]!;
}
