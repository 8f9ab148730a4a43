/** Publishes totals of a cycle as rows, for tests of what is compared with them; the rooms that make them have their own. */
import type { Database } from '../../src/database/session.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import type { TestContract } from '../support/contract.ts';
import { e8 } from './example-lines.ts';

export interface PublishedRow {
  readonly msisdn: string;
  readonly category: string;
  readonly amount: string;
  readonly records?: number;
}

/** The next generation of the cycle, current from now on. */
export async function publish(
  database: Database,
  { contractId, customerId }: TestContract,
  cycleStart: string,
  rows: readonly PublishedRow[],
): Promise<number> {
  return database.transaction(async (tx) => {
    await ensureCycles(tx, { id: contractId, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, [cycleStart]);
    await tx.query(
      `update total_generation set state = 'backup' where contract_id = $1 and cycle_start = $2 and state = 'current'`,
      [contractId, cycleStart],
    );
    const [made] = await tx.query<{ generation: number }>(
      `insert into total_generation (contract_id, customer_id, cycle_start, generation, rating_run_id, state, digest, reason)
       select $1, $2, $3, coalesce(max(generation), 0) + 1, 1, 'current', '', 'test' from total_generation
       where contract_id = $1 and cycle_start = $3::date returning generation`,
      [contractId, customerId, cycleStart],
    );
    for (const { msisdn, category, amount, records = 10 } of rows) {
      await tx.query(
        `insert into total_usage (contract_id, customer_id, cycle_start, generation, msisdn, category, records, unrated, usage_s,
           usage_octets, usage_count, amount_e8, provider_amount_e8)
         values ($1, $2, $3, $4, $5, $6, $7, 0, 600, 0, $7, $8, $8)`,
        [contractId, customerId, cycleStart, made!.generation, msisdn, category, records, e8(amount)],
      );
    }
    return made!.generation;
  });
}
