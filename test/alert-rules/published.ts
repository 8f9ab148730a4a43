/** Published totals for the rules to look at, as a swap leaves them, without the records behind them. */
import type { Database } from '../../src/database/session.ts';
import type { TestContract } from '../support/contract.ts';

export interface UsageRow {
  readonly msisdn: string;
  readonly category: string;
  readonly eur?: number;
  readonly octets?: number;
}

let runs = 0;

/** Makes the cycle when it is missing, and swaps. `publishedAt`: when, for the forecast. */
export async function publish(
  database: Database,
  contract: TestContract,
  cycleStart: string,
  rows: readonly UsageRow[],
  publishedAt = '2026-09-01T00:00:00Z',
): Promise<number> {
  runs += 1;
  return database.transaction(async (tx) => {
    await tx.query(
      `insert into cycle (contract_id, cycle_start, cycle_end, starts_at, ends_at, state)
       values ($1, $2::date, ($2::date + interval '1 month')::date, $2::date::timestamp at time zone 'Europe/Amsterdam',
         ($2::date + interval '1 month') at time zone 'Europe/Amsterdam', 'open') on conflict do nothing`,
      [contract.contractId, cycleStart],
    );
    await tx.query(
      `update total_generation set state = 'backup' where contract_id = $1 and cycle_start = $2 and state = 'current'`,
      [contract.contractId, cycleStart],
    );
    const [made] = await tx.query<{ generation: number }>(
      `insert into total_generation (contract_id, customer_id, cycle_start, generation, rating_run_id, state, digest, reason, created_at)
       select $1, $2, $3::date, 1 + count(*), $4, 'building', '', 'test', $5 from total_generation where contract_id = $1 and cycle_start = $3::date
       returning generation`,
      [contract.contractId, contract.customerId, cycleStart, runs, publishedAt],
    );
    for (const { msisdn, category, eur = 0, octets = 0 } of rows) {
      await tx.query(
        `insert into total_usage (contract_id, customer_id, cycle_start, generation, msisdn, category, records, unrated, usage_s,
           usage_octets, usage_count, amount_e8, provider_amount_e8) values ($1, $2, $3, $4, $5, $6, 1, 0, 60, $7, 1, $8, 0)`,
        [
          contract.contractId,
          contract.customerId,
          cycleStart,
          made!.generation,
          msisdn,
          category,
          octets,
          Math.round(eur * 1e8),
        ],
      );
    }
    await tx.query(
      `insert into subscription (contract_id, msisdn, source) select distinct $1::bigint, m, 'manual' from unnest($2::text[]) m
       on conflict do nothing`,
      [contract.contractId, rows.map((row) => row.msisdn)],
    );
    await tx.query(
      `update total_generation set state = 'current' where contract_id = $1 and cycle_start = $2 and generation = $3`,
      [contract.contractId, cycleStart, made!.generation],
    );
    return made!.generation;
  });
}
