/** A cycle that was closed, what adjusts it in the open one (F22), and the truth that both must add up to. */
import type { Database } from '../../src/database/session.ts';
import { type Explanation, explainTotals } from '../../src/totals/explain.ts';

export interface TruthTotal {
  readonly msisdn: string;
  readonly category: string;
  readonly records: string;
  readonly usageS: string;
  readonly usageOctets: string;
  readonly usageCount: string;
  readonly amountE8: string;
  readonly providerAmountE8: string;
}

/** Of the contract of an account, in the months of Amsterdam. */
export function closedCycle(database: Database, account: string, cycle: string) {
  const open = `${Temporal.Now.plainDateISO('Europe/Amsterdam').toString().slice(0, 7)}-01`;
  return {
    /** As it stands: every simulated world has unrated records, which would keep a person from it. */
    async close(): Promise<void> {
      await database.query(
        `update cycle set state = 'closed', closed_at = now() where cycle_start = $2
           and contract_id = (select id from contract where account_no = $1)`,
        [account, cycle],
      );
    },
    /** All generations; the same before and after whatever adjusts it. */
    async generations(): Promise<{ cycle: string; digests: readonly string[] }> {
      const rows = await database.query<{ line: string; cycle: string }>(
        `select concat_ws(' ', g.generation, g.state, encode(g.digest, 'hex')) as line, y.state as cycle
         from total_generation g join contract k on k.id = g.contract_id join cycle y using (contract_id, cycle_start)
         where k.account_no = $1 and g.cycle_start = $2 order by g.generation`,
        [account, cycle],
      );
      return { cycle: rows[0]!.cycle, digests: rows.map(({ line }) => line) };
    },
    /** What the open cycle holds, and how each of its records came to its amount. */
    async adjustments(customer: string): Promise<Explanation> {
      const all = await database.read((session) => explainTotals(session, { customer, cycle: open, limit: 1_000 }));
      return all.find((one) => one.account === account)!;
    },
    /** What both cycles hold together, to be compared with `truthLines`. */
    async lines(numbers: readonly string[]): Promise<readonly string[]> {
      const rows = await database.query<{ line: string }>(
        `select concat_ws(' ', u.msisdn, u.category, sum(u.usage_s), sum(u.usage_octets), sum(u.usage_count), sum(u.provider_amount_e8)) as line
         from total_usage_new_table u join contract k on k.id = u.contract_id
         where k.account_no = $1 and u.cycle_start = any($2::date[]) and u.msisdn = any($3)
         group by u.msisdn, u.category having sum(u.usage_count) > 0 order by u.msisdn collate "C", u.category collate "C"`,
        [account, [cycle, open], numbers],
      );
      return rows.map(({ line }) => line);
    },
  };
}

/** Without our amounts: what adjusts a closed cycle takes nothing from its allowances, which are settled. */
export function truthLines(totals: readonly TruthTotal[]): readonly string[] {
  return totals.map(({ msisdn, category, usageS, usageOctets, usageCount, providerAmountE8 }) =>
    [msisdn, category, usageS, usageOctets, usageCount, providerAmountE8].join(' '),
  );
}
