/**
 * Chains that have ended leave the table that work goes through: a mover carries those that ended long enough ago into
 * `chain_history`, and a command that lets one begin again brings it back.
 *
 * **While a parent is open, the children of its join are in `chain`**, so that nothing that runs ever looks into history. The
 * mover leaves a child where it is until its parent has ended, and holds the parent meanwhile, so that it cannot begin again
 * in between; a parent that is retried brings the children of its join back. A parent stays while a child of its join is open.
 *
 * Any number of nodes may carry at once: rows that another one holds (a mover, a person's retry) are passed over, and no
 * open chain is ever locked, so no claim waits. A chain whose key someone holds at that moment stays for a later batch. A
 * chain moves with the release of its unique key, unless the key is kept until it expires, and takes along the intents
 * that mean nothing any more. Dead and quarantined chains stay: they wait for a person.
 *
 * The log (`settle.ts`) asks for a chain's row beside its log row. A completion that is settled only after the chain was
 * carried over finds none, tries once more, misses the fence, and reports the run as lost: nothing is written twice.
 */
import type { Database, Tx } from '../database/session.ts';

/** A place in the order in which chains ended. */
export interface Place {
  readonly finishedAt: string;
  readonly id: string;
}

const front: Place = { finishedAt: '-infinity', id: '0' };

export interface Batch {
  readonly carried: number;
  /** How many were looked at, at most `limit`. */
  readonly looked: number;
  /** The last one of them; null when there was none. */
  readonly last: Place | null;
}

/** Looks at the first `limit` chains behind `after` that ended at least `keepMs` ago, and carries those over that may go. */
export async function carryFinished(
  database: Pick<Database, 'query'>,
  { keepMs, limit, after = front }: { readonly keepMs: number; readonly limit: number; readonly after?: Place },
): Promise<Batch> {
  const [row] = await database.query<{ carried: number; looked: number; last: Place | null }>(
    carry,
    carryValues(keepMs, limit, after),
  );
  return row!;
}

export const carryValues = (keepMs: number, limit: number, { finishedAt, id } = front): unknown[] => [
  keepMs,
  limit,
  finishedAt,
  id,
];

export interface Mover {
  /** One batch. `more`: there may be more to carry at once. */
  carry(): Promise<{ readonly carried: number; readonly more: boolean }>;
}

/**
 * Goes on where the batch before ended, so that children that stay are not looked at again and again: from the front only
 * once a minute, and for at most a twentieth of the time.
 */
export function createMover(
  database: Pick<Database, 'query'>,
  options: { readonly keepMs: number; readonly batch: number; readonly nowMs: () => number },
): Mover {
  const { keepMs, batch, nowMs } = options;
  let after = front;
  let more = false;
  let fromFront = false;
  let frontDueMs = Number.NEGATIVE_INFINITY;
  let passMs = 0;
  return {
    async carry() {
      const beganMs = nowMs();
      if (!more && beganMs >= frontDueMs) {
        after = front;
        fromFront = true;
        passMs = 0;
      }
      const { carried, looked, last } = await carryFinished(database, { keepMs, limit: batch, after });
      after = last ?? after;
      more = looked >= batch;
      passMs += nowMs() - beganMs;
      if (fromFront && !more) {
        fromFront = false;
        frontDueMs = nowMs() + Math.max(60_000, 20 * passMs);
      }
      return { carried, more };
    },
  };
}

/** Puts an ended chain's row back where chains run, under the caller's lock. False when history has no chain `id`. */
export async function bringBack(tx: Tx, id: string): Promise<boolean> {
  return (await tx.query(fetchBack, [id])).length > 0;
}

/**
 * Puts the children of the join that ended chain `id` is at back beside it; the caller has locked its row. False when they may be
 * past their retention: the log of the step that opened them is dropped before any of them.
 */
export async function bringChildrenBack(tx: Tx, id: string): Promise<boolean> {
  const [row] = await tx.query<{ kept: boolean }>(fetchChildren, [id]);
  return row?.kept ?? true;
}

/** Deletes at most `limit` unique keys that were kept until they expired and whose chain is no longer in `chain`. */
export async function dropExpiredKeys(database: Pick<Database, 'query'>, limit: number): Promise<number> {
  return (await database.query(expiredKeys, [limit])).length;
}

const ended = `state in ('succeeded', 'failed', 'cancelled')`;

/**
 * $1 ms, $2 limit, $3 and $4 the place to begin behind. A parent is locked against a command that lets it begin again, where it is
 * in this snapshot; one that is nowhere any more cannot.
 */
export const carry = `
  with seen as materialized (
    select id, finished_at, parent_id, join_token from chain
    where finished_at < now() - make_interval(secs => $1::float8 / 1000) and ${ended}
      and finished_at >= $3::timestamptz and (finished_at, id) > ($3::timestamptz, $4::bigint)
    order by finished_at, id
    limit $2
  ), parents as materialized (
    select distinct parent_id as id from seen where parent_id is not null
  ), over as materialized (
    select c.id from parents, lateral (
      select id from chain where chain.id = parents.id and ${ended} for share skip locked) c
    union all
    select h.id from parents, lateral (
      select id from chain_history h where h.id = parents.id for share skip locked) h
    where not exists (select from chain c where c.id = parents.id)
    union all
    select id from parents where not exists (select from every_chain e where e.id = parents.id)
  ), old as materialized (
    select c.id, c.unique_key from seen, lateral (
      select id, unique_key from chain
      where chain.id = seen.id and ${ended} and chain.finished_at = seen.finished_at
      for update skip locked) c
    where (seen.parent_id is null or seen.parent_id in (select id from over))
      and (seen.join_token is null or not exists (
        select from chain k where k.parent_id = seen.id and k.parent_token = seen.join_token and not k.${ended}))
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
    returning *
  ), kept as (
    insert into chain_history select * from gone
  ), forgotten as (
    delete from effect_intent e using gone
    where e.chain_id = gone.id and (gone.state <> 'failed' or e.step <> gone.step)
  )
  select (select count(*)::int from gone) as carried, (select count(*)::int from seen) as looked,
         (select json_build_object('finishedAt', finished_at::text, 'id', id::text) from seen
          order by finished_at desc, id desc limit 1) as last`;

const fetchBack = `
  with fetched as (delete from chain_history where id = $1 returning *)
  insert into chain overriding system value select * from fetched
  returning id`;

const fetchChildren = `
  with parent as materialized (
    select id, join_token from chain where id = $1 and join_token is not null
  ), fetched as (
    delete from chain_history h using parent where h.parent_id = parent.id and h.parent_token = parent.join_token
    returning h.*
  ), back as (
    insert into chain overriding system value select * from fetched
  )
  select exists (select from step_log l where l.chain_id = parent.id and l.token = parent.join_token) as kept from parent`;

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
