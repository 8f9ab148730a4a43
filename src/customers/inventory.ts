/** Which subscriptions there are: those that a document names, and those that only records do. */
import type { ReadSession } from '../database/session.ts';
import { withLinearJoins } from '../totals/linear-joins.ts';
import { unusedSubscriptions } from './unused.ts';

export interface InventoryQuery {
  readonly customer?: string;
  /** Only those that no document names. */
  readonly discovered: boolean;
  /** Only those without usage in so many last cycles that have ended. */
  readonly unused?: number;
  readonly limit: number;
}

export interface InventoryRow {
  readonly id: string;
  readonly customer: string;
  readonly provider: string;
  readonly account: string;
  readonly msisdn: string;
  readonly iccMasked: string | null;
  readonly productCode: string | null;
  readonly costCentre: string | null;
  readonly employee: string | null;
  readonly source: 'import' | 'manual' | 'discovered';
  /** ISO dates, inclusive and exclusive. */
  readonly validFrom: string | null;
  readonly validTo: string | null;
  /** Local date of the first record, of a number that records told first. */
  readonly firstSeen: string | null;
}

const isoDay = (of: string) => `to_char(${of}, 'YYYY-MM-DD')`;

const columns = `
  select s.id, c.code as customer, k.provider, k.account_no as account, s.msisdn, s.icc_masked as "iccMasked",
    s.product_code as "productCode", s.cost_centre as "costCentre", s.employee, s.source,
    ${isoDay('lower(s.valid)')} as "validFrom", ${isoDay('upper(s.valid)')} as "validTo", ${isoDay('s.first_seen')} as "firstSeen"
  from subscription s join contract k on k.id = s.contract_id join customer c on c.id = k.customer_id`;

const list = `
  ${columns} where ($1::text is null or c.code = $1) and (not $2 or s.source = 'discovered')
  order by c.code, k.provider, k.account_no, s.msisdn limit $3`;

const listUnused = `
  with ${unusedSubscriptions} ${columns} join unused n on n.id = s.id
  where ($4::text is null or c.code = $4) and (not $5 or s.source = 'discovered')
  order by c.code, k.provider, k.account_no, s.msisdn limit $6`;

/** `session` must be in a transaction. */
export function listSubscriptions(session: Pick<ReadSession, 'query'>, query: InventoryQuery): Promise<InventoryRow[]> {
  const { customer = null, discovered, unused, limit } = query;
  const filter = [customer, discovered, limit];
  return unused === undefined
    ? session.query<InventoryRow>(list, filter)
    : withLinearJoins(session, () => session.query<InventoryRow>(listUnused, [null, null, unused, ...filter]));
}
