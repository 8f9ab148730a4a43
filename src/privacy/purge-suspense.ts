/**
 * What a reseller's provider delivered for customers or numbers that nobody told us of waits as long as records are kept, counted
 * from the end of its month. Then its records go, its file is refused and its alert ends. A forced sync fetches it again, if the
 * provider still has it.
 */
import type { ReadSession, Tx } from '../database/session.ts';
import { kept } from './retention.ts';

const due = `
  from reseller_delivery d join contract k on k.id = d.contract_id join customer c on c.id = k.customer_id
  where d.state = 'suspense'
    and d.period + interval '1 month' + make_interval(months => ${kept('recordMonths')}) <= now() at time zone k.time_zone`;

const lockDue = `select d.id ${due} order by d.period, d.id limit $1 for no key update of d skip locked`;

const deleteRecords = `
  delete from reseller_cdr where ctid = any (array(
    select ctid from reseller_cdr where delivery_id = any($1::bigint[]) limit $2))
  returning 1`;

const why = 'its records waited for a contract or a subscription until the end of their retention, and were removed';

const refuse = `
  with gone as (
    update reseller_delivery d set state = 'refused', reason = '${why}', decoded = null, staged_e8 = null, changed_at = now()
    where id = any($1::bigint[]) returning d.*
  ), files as (
    update raw_file f set state = 'quarantined', reason = 'suspense-over: ${why}' from gone g
    where f.id = g.raw_file_id and f.state = 'received'
  )
  update alert a set state = 'resolved', resolved_at = now(), notify_claimed_at = null,
    take_back = a.notified_at is not null or a.notify_claimed_at is not null
  from gone g join contract k on k.id = g.contract_id join customer c on c.id = k.customer_id
  where a.state = 'open' and a.rule = 'routit.suspense'
    and a.subject = c.code || '/' || g.customer_no || '/' || to_char(g.period, 'YYYY-MM')`;

const deliveriesAtOnce = 200;

/** Resolves to how many records went. `batch`: at most so many at once. */
export async function purgeSuspense(tx: Tx, batch: number): Promise<{ deliveries: number; records: number }> {
  const rows = await tx.query<{ id: string }>(lockDue, [deliveriesAtOnce]);
  if (rows.length === 0) return { deliveries: 0, records: 0 };
  const ids = rows.map(({ id }) => id);
  const records = (await tx.query(deleteRecords, [ids, batch])).length;
  if (records === batch) return { deliveries: 0, records };
  await tx.query(refuse, [ids]);
  return { deliveries: ids.length, records };
}

export const suspensePending = `exists (select ${due})`;

const foreseen = `
  select count(*)::int as deliveries,
    coalesce(sum((select count(*) from reseller_cdr r where r.delivery_id = d.id)), 0)::int as records ${due}`;

export async function foreseeSuspense(
  session: Pick<ReadSession, 'query'>,
): Promise<{ deliveries: number; records: number }> {
  const [row] = await session.query<{ deliveries: number; records: number }>(foreseen);
  return row!;
}
