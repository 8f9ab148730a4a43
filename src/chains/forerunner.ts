/**
 * What is left in the rows of a life of this engine that a move of the database ended.
 *
 * The host that the database moved to may lack the last commits (an asynchronous standby). Tokens that were given out then
 * come again: a chain whose claim was lost is claimed under the same token, and a run that memory still held from before
 * would pass the fence with a later step than the rows know of, skipping the steps in between. So no run outlives a move:
 * the engine drops all of them and goes on under a new boot id, which makes every fence of the old life miss.
 *
 * The rows that still name the old life are given back with their attempt, and its node row is ended. What another node
 * frees at the same time is left to it; what is left here is freed by recovery as of any node that is gone.
 */
import type { Database } from '../database/session.ts';
import { releaseHeld } from './completion-sql.ts';

const heldBy = `
  select owner, json_agg(id::text) as ids, json_agg(token::text) as tokens
  from (select owner, id, token from chain where owner = any($1::uuid[]) and state = 'running' limit 500) held
  group by owner`;

const endNodes = `update node set state = 'ended' where id = any($1::uuid[]) and state in ('live', 'draining')`;

const reason = 'the database moved to another host while its node ran it';

export async function endForerunners(database: Pick<Database, 'query'>, bootIds: readonly string[]): Promise<void> {
  if (bootIds.length === 0) return;
  for (let released = 1; released > 0; ) {
    released = 0;
    for (const { owner, ids, tokens } of await database.query(heldBy, [bootIds])) {
      released += (await database.query(releaseHeld, [owner, ids, tokens, reason])).length;
    }
  }
  await database.query(endNodes, [bootIds]);
}
