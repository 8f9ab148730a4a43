/**
 * `subscription export`: all that is held about one number of a customer, in one snapshot, as one JSON document for the person whose number
 * it is. Dialled numbers are held masked and are given so. What stands only in raw files is told by the files' names.
 */
import type { ReadSession } from '../database/session.ts';
import { withLinearJoins } from '../totals/linear-joins.ts';
import { findSubject } from './erase.ts';

export type ExportedRows = readonly Readonly<Record<string, unknown>>[];

export interface SubscriptionExport {
  readonly customer: string;
  readonly msisdn: string;
  readonly subscriptions: ExportedRows;
  readonly records: ExportedRows;
  /** Of a reseller, and in no total yet: the number is no subscription. */
  readonly waiting: ExportedRows;
  readonly totals: ExportedRows;
  readonly allowances: ExportedRows;
  readonly invoiceLines: ExportedRows;
  readonly findings: ExportedRows;
  readonly alerts: ExportedRows;
  readonly rawFiles: ExportedRows;
}

const account = `k.provider, k.account_no as account`;
const day = (column: string) => `to_char(${column}, 'YYYY-MM-DD')`;

/** $1 contracts, $2 number. */
const queries = {
  subscriptions: `
    select ${account}, s.msisdn, s.cost_centre as "costCentre", s.employee, s.icc_masked as "iccMasked", s.product_code as "productCode",
      s.source, ${day('s.first_seen')} as "firstSeen", ${day('lower(s.valid)')} as "validFrom", ${day('upper(s.valid)')} as "validTo"
    from subscription s join contract k on k.id = s.contract_id where k.id = any($1::bigint[]) and s.msisdn = $2 order by k.id`,
  records: `
    select ${account}, ${day('d.cycle_start')} as cycle, f.name as file, d.line_no as line, d.version, d.state, d.kind, d.category,
      to_char(d.local_start, 'YYYY-MM-DD"T"HH24:MI:SS') as "localStart", d.b_masked as dialled, d.visited, d.usage_s as "usageS",
      d.usage_octets as "usageOctets", d.usage_count as "usageCount", d.provider_amount_e8 as "providerAmountE8", d.vat_code as "vatCode",
      r.status, r.rule, r.amount_e8 as "amountE8"
    from cdr d join contract k on k.id = d.contract_id left join raw_file f on f.id = d.raw_file_id
    left join cycle y on y.contract_id = d.contract_id and y.cycle_start = d.cycle_start
    left join rated_cdr r on r.contract_id = d.contract_id and r.cycle_start = d.cycle_start and r.rating_run_id = y.rating_run_id and r.cdr_id = d.id
    where d.contract_id = any($1::bigint[]) and d.msisdn = $2 order by d.started_at, d.id, d.version`,
  waiting: `
    select ${account}, to_char(v.period, 'YYYY-MM') as period, f.name as file, d.line_no as line, d.kind, d.category,
      to_char(d.local_start, 'YYYY-MM-DD"T"HH24:MI:SS') as "localStart", d.b_masked as dialled, d.visited, d.usage_s as "usageS",
      d.usage_octets as "usageOctets", d.usage_count as "usageCount", d.provider_amount_e8 as "providerAmountE8"
    from reseller_cdr d join reseller_delivery v on v.id = d.delivery_id join raw_file f on f.id = v.raw_file_id
    join contract k on k.id = f.contract_id
    where k.id = any($1::bigint[]) and d.msisdn = $2 and not d.matched order by d.started_at, d.line_no`,
  totals: `
    select ${account}, ${day('u.cycle_start')} as cycle, u.generation, g.state, u.category, u.records, u.unrated, u.usage_s as "usageS",
      u.usage_octets as "usageOctets", u.usage_count as "usageCount", u.amount_e8 as "amountE8", u.provider_amount_e8 as "providerAmountE8"
    from total_usage u join contract k on k.id = u.contract_id join total_generation g using (contract_id, cycle_start, generation)
    where u.contract_id = any($1::bigint[]) and u.msisdn = $2 order by u.cycle_start, u.generation, u.category`,
  allowances: `
    select ${account}, ${day('u.cycle_start')} as cycle, a.name, u.amount, u.used from allowance_usage u
    join contract k on k.id = u.contract_id left join allowance a on a.id = u.allowance_id
    where u.contract_id = any($1::bigint[]) and u.msisdn = $2 order by u.cycle_start, a.name`,
  invoiceLines: `
    select ${account}, i.number, i.version, l.line_no as line, l.category, l.description, l.quantity, l.net_e8 as "netE8", l.vat_code as "vatCode",
      ${day('l.period_from')} as "periodFrom", ${day('l.period_to')} as "periodTo"
    from invoice_line l join invoice i on i.id = l.invoice_id join contract k on k.id = i.contract_id
    where i.contract_id = any($1::bigint[]) and l.msisdn = $2 order by i.id, l.line_no`,
  findings: `
    select ${account}, ${day('r.cycle_start')} as cycle, f.class, f.category, f.own_e8 as "ownE8", f.provider_e8 as "providerE8", f.diff_e8 as "diffE8",
      f.state, f.evidence
    from recon_finding f join reconciliation r on r.id = f.recon_id join contract k on k.id = r.contract_id
    where r.contract_id = any($1::bigint[]) and f.msisdn = $2 order by f.id`,
  alerts: `
    select a.rule, a.level, a.message, a.state, a.first_at as "firstAt", a.last_at as "lastAt" from alert a
    where exists (select from subscription s join contract k on k.id = s.contract_id join customer c on c.id = k.customer_id
      where k.id = any($1::bigint[]) and s.msisdn = $2
        and starts_with(a.subject || ' ', c.code || '/' || k.provider || '/' || k.account_no || ' subscription ' || s.id || ' ')) order by a.id`,
  rawFiles: `
    select f.name, f.stored_at as "storedAt", f.purged_at as "purgedAt" from raw_file f where f.id in (
      select d.raw_file_id from cdr d where d.contract_id = any($1::bigint[]) and d.msisdn = $2
      union select v.raw_file_id from reseller_cdr d join reseller_delivery v on v.id = d.delivery_id join raw_file o on o.id = v.raw_file_id
        where o.contract_id = any($1::bigint[]) and d.msisdn = $2)
    order by f.name, f.id`,
} as const satisfies Record<Exclude<keyof SubscriptionExport, 'customer' | 'msisdn'>, string>;

/** The session must be one snapshot. Throws `InputError` when the customer has nothing of that number. */
export async function exportSubscription(
  session: ReadSession,
  customer: string,
  msisdn: string,
): Promise<SubscriptionExport> {
  const { contracts } = await findSubject(session, customer, msisdn);
  return withLinearJoins(session, async () => {
    const found: Partial<Record<keyof typeof queries, ExportedRows>> = {};
    for (const [what, statement] of Object.entries(queries)) {
      found[what as keyof typeof queries] = await session.query(statement, [contracts, msisdn]);
    }
    return { customer, msisdn, ...(found as Required<typeof found>) };
  });
}
