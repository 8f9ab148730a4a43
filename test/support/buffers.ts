/** What a statement really reads: the buffers of `explain (analyze, buffers)`, in a transaction that is rolled back. */
import type { Database } from '../../src/database/session.ts';

interface Plan {
  readonly Plan: { readonly 'Shared Hit Blocks': number; readonly 'Shared Read Blocks': number };
}

class Measured extends Error {}

/** Blocks of 8 KiB touched by one execution, after one that warms the caches of the catalog. */
export async function buffersOf(
  database: Database,
  statement: string,
  values: readonly unknown[] = [],
): Promise<number> {
  let blocks = 0;
  for (let run = 0; run < 2; run += 1) {
    try {
      await database.transaction(async (tx) => {
        const [row] = await tx.query(`explain (analyze, buffers, format json) ${statement}`, values);
        const [{ Plan: top }] = row!['QUERY PLAN'] as [Plan];
        blocks = top['Shared Hit Blocks'] + top['Shared Read Blocks'];
        throw new Measured('rolled back');
      });
    } catch (error) {
      if (!(error instanceof Measured)) throw error;
    }
  }
  return blocks;
}
