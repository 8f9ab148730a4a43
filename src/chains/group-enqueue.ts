/**
 * Group enqueue: chains that many callers open at about the same time, without a unique key and outside a transaction of
 * their own, go in one statement, up to 500; a lone caller's goes at once. Everybody
 * resolves when the statement has committed, or rejects with its error; one that PostgreSQL refuses is found by halving.
 */
import type { Database } from '../database/session.ts';
import { gathering, halving } from './gathering.ts';

/** One chain to be, as the columns of `insertMany`. */
export type NewChain = readonly unknown[];

export interface GroupEnqueue {
  insert(chain: NewChain): Promise<string>;
}

export function createGroupEnqueue(database: Pick<Database, 'query'>): GroupEnqueue {
  async function insertAll(chains: readonly NewChain[]): Promise<string[]> {
    return (await database.query<{ id: string }>(insertMany, arraysOf(chains))).map(({ id }) => id);
  }
  return {
    insert: gathering<NewChain, string>({ largest: 500, atOnce: 2, write: (group) => halving(group, insertAll) }),
  };
}

/** Those of `insertMany` for any number of chains, an array for each column. */
export function arraysOf(chains: readonly NewChain[]): unknown[][] {
  return (chains[0] ?? []).map((_, at) => chains.map((chain) => chain[at]));
}

/**
 * One array for each column: $1 names, $2 versions, $3 steps, $4 priorities, $5 not before, $6 why blocked, $7 traceparents,
 * $8 subjects, $9 inputs, $10 who asked. Ids come back in the order of the arrays.
 */
export const insertMany = `
  insert into chain (name, version, step, priority, state, run_at, reason, reason_by, traceparent, subject, input,
                     requested_by)
  select name, version, step, priority,
         (case when blocked is not null then 'blocked' when run_at > now() then 'timer' else 'ready' end)::chain_state,
         coalesce(run_at, now()), blocked, case when blocked is not null then 'engine' end,
         traceparent, subject, input::jsonb, requested_by
  from unnest($1::text[], $2::smallint[], $3::text[], $4::smallint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
              $9::text[], $10::text[]) with ordinality
       as c (name, version, step, priority, run_at, blocked, traceparent, subject, input, requested_by, place)
  order by place
  returning id`;

/**
 * The same for chains that have to do with others: $11 concurrency keys, $12 their limits, $13 what becomes of the parent,
 * $14 parent and $15 token of its join (both null without), $16 depth, $17 generation.
 */
export const insertLinked = `
  insert into chain (name, version, step, priority, state, run_at, reason, reason_by, traceparent, subject, input,
                     requested_by, slot_key, slot_limit, on_child_failure, parent_id, parent_token, depth, generation)
  select name, version, step, priority,
         (case when blocked is not null then 'blocked' when run_at > now() then 'timer'
               when slot_key is not null then 'concurrency' else 'ready' end)::chain_state,
         coalesce(run_at, now()), blocked, case when blocked is not null then 'engine' end,
         traceparent, subject, input::jsonb, requested_by, slot_key, slot_limit, on_child_failure, $14, $15, $16, $17
  from unnest($1::text[], $2::smallint[], $3::text[], $4::smallint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::text[], $12::smallint[], $13::text[]) with ordinality
       as c (name, version, step, priority, run_at, blocked, traceparent, subject, input, requested_by, slot_key,
             slot_limit, on_child_failure, place)
  order by place
  returning id`;
