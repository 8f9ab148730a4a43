/** What reversals take back: the record of the closed cycle, by file and line. */
import type { ReadSession } from '../database/session.ts';

export interface ReversedRecord {
  readonly cycle: string;
  /** Null: it was removed at the end of its retention. */
  readonly file: string | null;
  readonly line: number | null;
}

const reversed = `
  select d.id::text as id, to_char(d.reverses_cycle, 'YYYY-MM-DD') as cycle, f.name as file, o.line_no as line
  from cdr d left join cdr o on o.contract_id = $1 and o.cycle_start = d.reverses_cycle and o.id = d.reverses_cdr
  left join raw_file f on f.id = o.raw_file_id
  where d.contract_id = $1 and d.cycle_start = $2::date and d.id = any($3::bigint[])`;

/** By the reversal's id. */
export async function reversedRecords(
  session: Pick<ReadSession, 'query'>,
  contractId: string,
  cycle: string,
  reversals: readonly string[],
): Promise<ReadonlyMap<string, ReversedRecord>> {
  if (reversals.length === 0) return new Map();
  const rows = await session.query<ReversedRecord & { id: string }>(reversed, [contractId, cycle, reversals]);
  return new Map(rows.map(({ id, ...record }) => [id, record]));
}
