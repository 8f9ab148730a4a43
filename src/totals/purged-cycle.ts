/**
 * Cycles whose records were purged at the end of their retention. What comes late for one cannot be told from what was billed already,
 * so nothing may come into it any more: a file with such records is refused whole, and a person decides.
 */
import type { FileProblem } from '../compute/tasks/file-problem.ts';
import type { ReadSession } from '../database/session.ts';

/** Records for a cycle whose own were purged. Nothing of them was stored. */
export class PurgedCycleError extends Error {
  override readonly name = 'PurgedCycleError';
}

const purgedOf = `
  select to_char(min(cycle_start), 'YYYY-MM-DD') as cycle from cycle
  where contract_id = $1 and cycle_start = any($2::date[]) and purge_begun_at is not null`;

/** The first of them that was purged; null when none was. */
export async function purgedCycle(
  session: Pick<ReadSession, 'query'>,
  contractId: string,
  cycles: readonly string[],
): Promise<string | null> {
  const [row] = await session.query<{ cycle: string | null }>(purgedOf, [contractId, cycles]);
  return row!.cycle;
}

export function purgedProblem(cycle: string): FileProblem {
  return {
    code: 'purged-cycle',
    line: null,
    field: null,
    value: cycle,
    message: `it has records of cycle ${cycle}, whose own were purged at the end of their retention: nobody could tell what of it was billed already; ask the provider for the file without them`,
  };
}
