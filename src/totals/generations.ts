/** Generations of totals as such: pinning one before a recalculation, and what is there. */
import type { ReadSession, Tx } from '../database/session.ts';
import { lockCycleOf } from './cycles.ts';
import { digestOfRows } from './digest.ts';
import { TotalsMismatchError } from './publish.ts';

const currentDigest = `
  select encode(g.digest, 'hex') as stored, g.generation,
    ${digestOfRows} as computed
  from total_generation g left join total_usage u using (contract_id, cycle_start, generation)
  where g.contract_id = $1 and g.cycle_start = $2 and g.state = 'current' group by g.generation, g.digest`;

/**
 * Checks the current generation's rows against its digest and pins it, so that retention keeps it. Null generation when
 * there is none yet. Throws `TotalsMismatchError` when the rows were changed behind the product's back.
 */
export async function pinCurrent(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  by: string,
): Promise<{ generation: number | null; digest: string | null }> {
  await lockCycleOf(tx, contractId, cycleStart);
  const [row] = await tx.query<{ stored: string; computed: string; generation: number }>(currentDigest, [
    contractId,
    cycleStart,
  ]);
  if (!row) return { generation: null, digest: null };
  if (row.stored !== row.computed) {
    throw new TotalsMismatchError(
      `generation ${row.generation} of contract ${contractId}, cycle ${cycleStart} does not match its digest: its rows were changed by hand`,
    );
  }
  await tx.query(
    `update total_generation set pinned_by = $4 where contract_id = $1 and cycle_start = $2 and generation = $3`,
    [contractId, cycleStart, row.generation, by],
  );
  return { generation: row.generation, digest: row.stored };
}

export interface GenerationRow {
  readonly customer: string;
  readonly account: string;
  readonly contractId: string;
  readonly cycleStart: string;
  readonly generation: number;
  readonly digest: string;
  readonly records: string;
  readonly unrated: string;
  readonly amountE8: string;
  readonly createdAt: string;
}

/** The current generation of every cycle of a customer, oldest cycle first. */
export async function currentGenerations(
  session: Pick<ReadSession, 'query'>,
  customer: string,
  cycle?: string,
): Promise<GenerationRow[]> {
  return session.query<GenerationRow>(
    `select c.code as customer, k.account_no as account, k.id as "contractId", to_char(g.cycle_start, 'YYYY-MM-DD') as "cycleStart",
       g.generation, encode(g.digest, 'hex') as digest, coalesce(sum(u.records), 0)::bigint as records,
       coalesce(sum(u.unrated), 0)::bigint as unrated, coalesce(sum(u.amount_e8), 0)::bigint as "amountE8",
       to_char(g.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "createdAt"
     from total_generation g join contract k on k.id = g.contract_id join customer c on c.id = k.customer_id
     left join total_usage u using (contract_id, cycle_start, generation)
     where c.code = $1 and g.state = 'current' and ($2::date is null or g.cycle_start = $2::date)
     group by c.code, k.account_no, k.id, g.cycle_start, g.generation, g.digest, g.created_at
     order by g.cycle_start, k.account_no`,
    [customer, cycle ?? null],
  );
}
