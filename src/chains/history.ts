/**
 * Chains that have ended leave the table that work goes through: `carryFinished` moves those that ended long enough ago
 * into `chain_history`, `bringBack` fetches a failed one for a retry.
 *
 * Any number of nodes may carry at once: rows that another one holds (a mover, a person's retry) are passed over, and no
 * open chain is ever locked, so no claim waits. A chain whose key someone holds at that moment stays for the next batch. A
 * chain moves with the release of its unique key, unless the key is kept until it expires. Dead and quarantined
 * chains stay: they wait for a person.
 *
 * The log (`settle.ts`) asks for a chain's row beside its log row. A completion that is settled only after the chain was
 * carried over finds none, tries once more, misses the fence, and reports the run as lost: nothing is written twice.
 */
import type { Database, Tx } from '../database/session.ts';

/** What both tables have; the others mean nothing once a chain has ended. A test compares this with the tables. */
export const historyColumns = [
  'id',
  'name',
  'version',
  'step',
  'state',
  'priority',
  'run_at',
  'token',
  'attempt',
  'rejections',
  'suspect',
  'reason',
  'reason_by',
  'since',
  'traceparent',
  'subject',
  'input',
  'previous',
  'unique_key',
  'requested_by',
  'created_at',
  'finished_at',
] as const;

const columns = historyColumns.join(', ');

/** Carries over at most `limit` chains that ended at least `keepMs` ago; resolves to how many it carried. */
export async function carryFinished(
  database: Pick<Database, 'query'>,
  { keepMs, limit }: { readonly keepMs: number; readonly limit: number },
): Promise<number> {
  const [row] = await database.query<{ carried: number }>(carry, [keepMs, limit]);
  return row!.carried;
}

/** Puts a failed chain's row back where chains run, under the caller's lock. False when history has no failed chain `id`. */
export async function bringBack(tx: Tx, id: string): Promise<boolean> {
  return (await tx.query(fetchBack, [id])).length > 0;
}

/** How a chain in history ended; null when it is not there. */
export async function endedInHistory(tx: Pick<Tx, 'query'>, id: string): Promise<string | null> {
  const [row] = await tx.query<{ state: string }>('select state from chain_history where id = $1', [id]);
  return row?.state ?? null;
}

/** Deletes at most `limit` unique keys that were kept until they expired and whose chain is no longer in `chain`. */
export async function dropExpiredKeys(database: Pick<Database, 'query'>, limit: number): Promise<number> {
  return (await database.query(expiredKeys, [limit])).length;
}

export const carry = `
  with old as materialized (
    select id, unique_key from chain
    where finished_at < now() - make_interval(secs => $1::float8 / 1000) and state in ('succeeded', 'failed', 'cancelled')
    order by finished_at
    limit $2
    for update skip locked
  ), due as materialized (
    select k.key, k.chain_id from old, lateral (
      select key, chain_id from chain_key
      where key = old.unique_key and chain_id = old.id and (expires_at is null or expires_at <= now())
      for update skip locked) k
  ), freed as (
    delete from chain_key where key = any (array(select key from due))
  ), free as (
    select id from old
    where exists (select from due where due.chain_id = old.id) or not exists (
      select from chain_key k
      where k.key = old.unique_key and k.chain_id = old.id and (k.expires_at is null or k.expires_at <= now()))
  ), gone as (
    delete from chain where id = any (array(select id from free))
    returning ${columns}
  ), kept as (
    insert into chain_history (${columns}) select ${columns} from gone
  )
  select count(*)::int as carried from gone`;

const fetchBack = `
  with fetched as (
    delete from chain_history where id = $1 and state = 'failed' returning ${columns}
  )
  insert into chain (${columns}) overriding system value select ${columns} from fetched
  returning id`;

const expiredKeys = `
  with expired as materialized (
    select key from chain_key
    where expires_at <= now() and not exists (select from chain c where c.id = chain_id)
    order by expires_at
    limit $1
    for update skip locked
  )
  delete from chain_key where key = any (array(select key from expired))
  returning key`;
