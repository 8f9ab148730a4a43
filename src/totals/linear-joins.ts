/**
 * Statements that join whole cycles. A month's partition begins with the records of one contract, and the next contract's
 * are copied in moments before they are joined: to the statistics they do not exist, PostgreSQL expects one row and joins
 * 16,000 with 16,000 in nested loops (40 s and more, seen in publishing and in `totals explain`). Hash and merge joins are linear
 * whatever the statistics say, so nothing else is allowed for them.
 */
import type { ReadSession } from '../database/session.ts';

/** Runs `work` without nested loops. The session must be in a transaction; one that fails takes the setting with it. */
export async function withLinearJoins<T>(session: Pick<ReadSession, 'query'>, work: () => Promise<T>): Promise<T> {
  await session.query('set local enable_nestloop = off');
  const result = await work();
  await session.query('set local enable_nestloop = on');
  return result;
}
