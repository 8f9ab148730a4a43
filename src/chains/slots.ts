/**
 * Concurrency keys: at most `limit` chains run a step with the same key at once, on all nodes together (engine.md,
 * "Concurrency and overlap"). A chain at such a step waits in the state `concurrency` until a claim gives it a slot: a row
 * of `chain_slot`, whose primary key decides between nodes that claim at once. The slot is free again when the chain does
 * not run with that key any more (a trigger, so no path forgets it). The key and the limit of the step that is next stand
 * on the chain's row, so that a claim needs no code of the step.
 */
import type { Database } from '../database/session.ts';
import { type ClaimOptions, type ClaimRow, claimedColumns, claimedOf } from './claim.ts';
import type { Concurrency, Json } from './define.ts';
import { isBroken, isPaused } from './row-rules.ts';
import type { ClaimedChain } from './run.ts';

/** What stands on the row of a chain at a step with a concurrency key. */
export interface SlotNeed {
  readonly key: string;
  readonly limit: number;
}

const maxKeyLength = 200;

/** Null for a step without a key. Throws an Error that names the step when its key function throws or answers nonsense. */
export function slotNeedOf(
  step: { readonly name: string; readonly concurrency: Concurrency<never> | null } | null,
  chainName: string,
  input: Json,
): SlotNeed | null {
  if (!step?.concurrency) return null;
  const who = `concurrency key of step ${step.name} of chain ${chainName}`;
  let key: unknown;
  try {
    key = step.concurrency.key(input as never);
  } catch (error) {
    throw new Error(`${who} threw: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (typeof key !== 'string' || key === '' || key.length > maxKeyLength || /[\0\ud800-\udfff]/u.test(key)) {
    throw new Error(`${who} must be a text of 1 to ${maxKeyLength} characters; it is ${describe(key)}`);
  }
  return { key, limit: step.concurrency.limit };
}

function describe(key: unknown): string {
  return typeof key === 'string' ? `one of ${key.length} characters` : typeof key;
}

/** So many keys are looked at by one claim; the next one goes on behind them. */
const keysAtOnce = 200;

export interface KeyedClaims {
  /** Claims at most `count` chains that got a slot. */
  claim(options: ClaimOptions): Promise<ClaimedChain[]>;
}

export function createKeyedClaims(engine: Pick<Database, 'query'>): KeyedClaims {
  let from = '';
  return {
    async claim({ bootId, count, lowestPriority, known, suspects }) {
      const rows = await engine.query<ClaimRow & { walked: number; last_key: string | null }>(claimKeyed, [
        bootId,
        count,
        lowestPriority,
        known,
        from,
        keysAtOnce,
        suspects,
      ]);
      const [first] = rows;
      from = first && first.walked >= keysAtOnce ? (first.last_key ?? '') : '';
      return rows.filter(({ id }) => id !== null).map(claimedOf);
    },
  };
}

/**
 * $1 owner, $2 how many, $3 lowest priority, $4 known chains, $5 the key to go on behind, $6 how many keys, $7 suspects. Walks the keys
 * that are waited for, not the chains; inserts slots in the order of their keys, so that two nodes never wait for each other
 * in a circle. One row without an id when nothing was claimed.
 */
export const claimKeyed = `
  with recursive keys (key) as (
    (select slot_key from chain where state = 'concurrency' and slot_key > $5 order by slot_key limit 1)
    union all
    select (select c.slot_key from chain c where c.state = 'concurrency' and c.slot_key > keys.key order by c.slot_key limit 1)
    from keys where keys.key is not null
  ), walked as materialized (
    select key from keys where key is not null limit $6
  ), found as materialized (
    select w.key, c.id, c.priority, c.run_at, c.token, c.slot_limit,
           row_number() over (partition by w.key order by c.priority, c.run_at, c.id) as place
    from walked w
    cross join lateral (
      select slot_limit from chain where state = 'concurrency' and slot_key = w.key order by priority, run_at, id limit 1) l
    cross join lateral (select count(*) as taken from chain_slot s where s.key = w.key) h
    cross join lateral (
      select id, priority, run_at, token, slot_limit from chain
      where state = 'concurrency' and slot_key = w.key and priority >= $3 and name || ' ' || version = any ($4)
        and ($7::boolean is null or (suspect > 0) = $7)
        and not (${isPaused('name')} or ${isBroken('chain.name', 'chain.step', 'chain.id')})
      order by priority, run_at, id
      limit least(greatest(l.slot_limit - h.taken, 0), $2)
      for no key update skip locked) c
  ), chosen as materialized (
    select f.*, (select n from generate_series(1, f.slot_limit) n
                 where not exists (select from chain_slot s where s.key = f.key and s.slot = n)
                 order by n offset f.place - 1 limit 1) as slot
    from (select * from found order by priority, run_at, id limit $2) f
  ), taken as (
    insert into chain_slot (key, slot, chain_id)
    select key, slot, id from chosen where slot is not null order by key, slot
    on conflict do nothing
    returning chain_id
  ), claimed as (
    update chain c
    set state = 'running', owner = $1, token = c.token + 1, started_token = c.token + 1, attempt = c.attempt + 1,
        since = now(), reason = null, reason_by = null
    from taken
    where c.id = taken.chain_id
    returning ${claimedColumns}
  )
  select claimed.*, w.walked, w.last_key
  from (select count(*)::int as walked, max(key) as last_key from walked) w left join claimed on true`;
