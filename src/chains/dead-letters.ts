/**
 * What a person does with many dead letters at once. Dead letters are chains in the states dead and quarantined, found
 * by chain name and step; each is retried or removed in a transaction of its own, so that one that cannot be (its unique
 * key belongs to another open chain) is told in the answer and holds up no other. Oldest first, at most `limit` at a call.
 */
import type { Database } from '../database/session.ts';
import { ChainCommandError, retryChain } from './commands.ts';
import { countChildren } from './join-sql.ts';
import { cleanText } from './payload.ts';

export interface DeadFilter {
  readonly name?: string;
  readonly step?: string;
  /** Default and most: 1,000. */
  readonly limit?: number;
}

export interface Retried {
  readonly retried: readonly string[];
  readonly refused: readonly { readonly chainId: string; readonly why: string }[];
}

export async function retryDeadLetters(database: Database, filter: DeadFilter, who: string): Promise<Retried> {
  const retried: string[] = [];
  const refused: { chainId: string; why: string }[] = [];
  const limit = Math.min(Math.max(1, filter.limit ?? 1_000), 1_000);
  const rows = await database.query<{ id: string }>(matching, [filter.name ?? null, filter.step ?? null, limit]);
  for (const { id } of rows) {
    try {
      await retryChain(database, id, who);
      retried.push(id);
    } catch (error) {
      if (!(error instanceof ChainCommandError)) throw error;
      refused.push({ chainId: id, why: error.message });
    }
  }
  return { retried, refused };
}

/** Ends a dead letter for good: it is cancelled with who and why, its log stays. Throws ChainCommandError otherwise. */
export async function removeDeadLetter(database: Database, chainId: string, who: string, why = ''): Promise<void> {
  if (!/^[1-9]\d{0,18}$/.test(chainId)) {
    throw new ChainCommandError(`${cleanText(chainId, 40)} is not a chain id, a number`);
  }
  const reason = cleanText(why || 'removed');
  await database.transaction(async (tx) => {
    const removed = await tx.query(remove, [chainId, reason, cleanText(who, 200)]);
    if (removed.length === 0) {
      throw new ChainCommandError(`chain ${chainId} is not a dead letter; see chain list --state dead`);
    }
    await countChildren(tx, [chainId]);
  });
}

const matching = `
  select id from chain
  where state in ('dead', 'quarantined') and ($1::text is null or name = $1) and ($2::text is null or step = $2)
  order by id limit $3`;

const remove = `
  with moved as (
    update chain
    set state = 'cancelled', owner = null, token = token + 1, reason = $2, reason_by = $3, since = now(),
        finished_at = now()
    where id = $1 and state in ('dead', 'quarantined')
    returning id, token, step, attempt, traceparent
  ), logged as (
    insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
    select id, token, step, attempt, 'cancelled', $2 || ' (' || $3 || ')', traceparent from moved
  )
  insert into audit (actor, action, subject, detail)
  select $3, 'dead remove', 'chain ' || id, jsonb_build_object('why', $2::text) from moved
  returning subject`;
