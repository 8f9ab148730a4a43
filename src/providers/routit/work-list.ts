/** The rows of the work list: what the provider says that it delivers, and what became of it. */
import type { Tx } from '../../database/session.ts';
import { contractTerm, type SyncInput } from '../sync-input.ts';
import type { Listed } from './overview.ts';

export interface ListedPeriod {
  /** `2026-10` */
  readonly period: string;
  readonly records: number;
  readonly netE8: number;
  readonly customers: readonly (Listed & { readonly name: string; readonly refusal: string | null })[];
}

const upsertPeriod = `
  insert into reseller_period (contract_id, period, customers, records, net_e8) values ($1, $2, $3, $4, $5)
  on conflict (contract_id, period) do update set customers = excluded.customers, records = excluded.records,
    net_e8 = excluded.net_e8, asked_at = now()`;

/**
 * A file that is new, that is not what it was, or whose download was given up, is (again) to be fetched. What was refused for
 * its content stays refused until it changes, or the task is forced.
 */
const upsertDelivery = `
  insert into reseller_delivery as d (contract_id, profile_id, period, customer_no, name, url, records, net_e8, md5, state, reason,
    sync_task_id)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  on conflict (contract_id, period, customer_no) do update set
    profile_id = excluded.profile_id, name = excluded.name, url = excluded.url, records = excluded.records,
    net_e8 = excluded.net_e8, md5 = excluded.md5, state = excluded.state, reason = excluded.reason, decoded = null,
    sync_task_id = excluded.sync_task_id, changed_at = now()
  where (d.md5, d.records, d.net_e8) is distinct from (excluded.md5, excluded.records, excluded.net_e8)
    or d.state in ('listed', 'failed') or excluded.state = 'failed' or ($13 and d.state = 'refused')
  returning id`;

/** Resolves to how many files are to be fetched, or cannot be. */
export async function listDeliveries(
  tx: Tx,
  input: SyncInput,
  periods: readonly ListedPeriod[],
): Promise<{ changed: number }> {
  let changed = 0;
  for (const { period, records, netE8, customers } of periods) {
    const month = `${period}-01`;
    await tx.query(upsertPeriod, [input.contractId, month, customers.length, records, netE8]);
    for (const one of customers) {
      const rows = await tx.query(upsertDelivery, [
        input.contractId,
        input.profileId,
        month,
        one.customerNo,
        one.name,
        one.url,
        one.records,
        one.netE8,
        one.md5,
        one.refusal === null ? 'listed' : 'failed',
        one.refusal,
        input.syncTaskId,
        input.force,
      ]);
      changed += rows.length;
    }
  }
  return { changed };
}

export const toFetch = `
  select d.id, d.customer_no as "customerNo", to_char(d.period, 'YYYY-MM') as period
  from reseller_delivery d where d.contract_id = $1 and d.state = 'listed' order by d.period, d.customer_no`;

const setState = `
  update reseller_delivery set state = $2, reason = $3, sync_task_id = $4, changed_at = now() where id = $1`;

export async function setDeliveryState(
  tx: Tx,
  delivery: { readonly id: string; readonly syncTaskId: string },
  state: 'failed' | 'refused' | 'suspense' | 'matched',
  reason: string | null,
): Promise<void> {
  await tx.query(setState, [delivery.id, state, reason, delivery.syncTaskId]);
}

/** Whose contract a customer number of the provider is: of the same provider, with that account. */
export const endContract = `
  select k.id, k.cycle_day as "cycleDay", k.time_zone as "timeZone", c.code as customer, c.number_mask as "numberMask",
    c.hash_key as "hashKey", ${contractTerm}
  from contract r join contract k on k.provider = r.provider and k.account_no = lpad($2, 10, '0') and k.id <> r.id
  join customer c on c.id = k.customer_id
  where r.id = $1 and c.active order by k.id limit 1`;

export interface EndContract {
  readonly id: string;
  readonly cycleDay: number;
  readonly timeZone: string;
  readonly customer: string;
  readonly numberMask: number;
  readonly hashKey: Buffer;
  readonly contractFromMs: number | null;
  readonly contractToMs: number | null;
}
