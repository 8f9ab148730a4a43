/**
 * What a reseller's provider delivered and nobody can be charged for yet: by end customer without a contract, and by number that
 * is no subscription of its customer's contract. It goes on by itself with the next sync once the customers document tells of it.
 */
import type { Database } from '../../database/session.ts';

export interface SuspenseRow {
  /** Code of the reseller. */
  readonly reseller: string;
  /** As the provider writes it: the account that the contract must have. */
  readonly endCustomer: string;
  /** Whose contract has that account; null: nobody's. */
  readonly customer: string | null;
  /** `2026-10` */
  readonly period: string;
  /** Null: all numbers of that end customer. */
  readonly msisdn: string | null;
  readonly records: number;
  /** What the provider asks for them, 1e-8 EUR. */
  readonly providerAmountE8: string;
}

const inSuspense = `
  select c.code as reseller, d.customer_no as "endCustomer", null as customer, to_char(d.period, 'YYYY-MM') as period, null as msisdn,
    d.records::float8 as records, d.net_e8::text as "providerAmountE8"
  from reseller_delivery d join raw_file f on f.id = d.raw_file_id and f.contract_id = d.contract_id
  join contract k on k.id = d.contract_id join customer c on c.id = k.customer_id
  where d.state = 'suspense'
  union all
  select c.code, d.customer_no, e.code, to_char(d.period, 'YYYY-MM'), r.msisdn, count(*)::float8, sum(r.provider_amount_e8)::text
  from reseller_delivery d join raw_file f on f.id = d.raw_file_id and f.contract_id <> d.contract_id
  join reseller_cdr r on r.delivery_id = d.id and not r.matched
  join contract k on k.id = d.contract_id join customer c on c.id = k.customer_id
  join contract ek on ek.id = f.contract_id join customer e on e.id = ek.customer_id
  where d.state = 'suspense'
  group by c.code, d.customer_no, e.code, d.period, r.msisdn
  order by 1, 4, 2, 5 limit $1`;

export function listSuspense(database: Pick<Database, 'query'>, limit: number): Promise<readonly SuspenseRow[]> {
  return database.query<SuspenseRow>(inSuspense, [limit]);
}
