/**
 * Replay: a chain begins again at one of its steps, with the same input and what the step before it gave the last time it
 * succeeded. Works in every state but `running`; the children of a join that it was in, or had passed, are cancelled, and
 * those that it opens anew belong to a new join. Effects that were committed stay: a step is replayed, not undone.
 * A step whose effect is unknown counts as passed, with no output: whoever replays the next one has looked.
 */
import type { Database, Tx } from '../database/session.ts';
import { ChainCommandError, idOf, type LockedChain, lockChain, recordAudit, takeKeyAgain } from './commands.ts';
import type { Json } from './define.ts';
import { forgetIntents } from './effects.ts';
import { abandonJoin } from './join-sql.ts';
import { cleanText } from './payload.ts';
import type { AnyDefinition, Registry } from './registry.ts';
import { slotNeedOf } from './slots.ts';

/** Throws ChainCommandError when the chain, its definition or the step is not known, it runs, or the step before never succeeded. */
export async function replayChain(
  database: Database,
  registry: Registry,
  chainId: string,
  from: string,
  who: string,
): Promise<void> {
  const id = idOf(chainId);
  await database.transaction(async (tx) => {
    const before = await lockChain(tx, id);
    if (before.state === 'running') {
      throw new ChainCommandError(`chain ${id} runs step ${before.step}; cancel it first, or wait until it has ended`);
    }
    const definition = registry.find(before.name, before.version);
    if (!definition) {
      throw new ChainCommandError(`this release does not know chain ${before.name} version ${before.version}`);
    }
    const place = definition.steps.findIndex((step) => step.name === from);
    if (place < 0) {
      const steps = definition.steps.map((step) => step.name).join(', ');
      throw new ChainCommandError(`chain ${before.name} has no step ${cleanText(from, 80)}; its steps are ${steps}`);
    }
    const previous = place === 0 ? null : await outputOf(tx, id, before, definition, place - 1);
    const slot = slotNeedOf(definition.steps[place]!, before.name, before.input);
    await takeKeyAgain(tx, id, before.unique_key);
    await tx.query(forgetIntents, [id, definition.steps.slice(place).map((step) => step.name)]);
    const name = cleanText(who, 200);
    await tx.query(abandonJoin, [id, `its parent, chain ${id}, was replayed from step ${from}`, name]);
    await tx.query(replay, [id, from, JSON.stringify(previous), slot?.key ?? null, slot?.limit ?? null, name]);
    const detail = JSON.stringify({ was: before.state, at: before.step, from });
    await tx.query(recordAudit, [who, 'chain replay', `chain ${id}`, detail]);
  });
}

async function outputOf(
  tx: Tx,
  id: string,
  before: LockedChain,
  definition: AnyDefinition,
  place: number,
): Promise<Json> {
  const { name } = definition.steps[place]!;
  const [row] = await tx.query<{ output: Json }>(lastOutput, [id, name]);
  if (row) return row.output;
  throw new ChainCommandError(
    `chain ${id}, ${before.name}: step ${name} has not succeeded, or its log is not kept any more; replay from ${name} or an earlier step`,
  );
}

const lastOutput = `
  select output from step_log where chain_id = $1 and step = $2 and outcome in ('succeeded', 'unknown') order by token desc limit 1`;

/** $1 id, $2 step, $3 previous, $4 and $5 concurrency key and its limit, $6 who. */
const replay = `
  with again as (
    update chain
    set state = (case when $4::text is null then 'ready' else 'concurrency' end)::chain_state,
        step = $2, previous = $3::jsonb, slot_key = $4, slot_limit = $5, owner = null, token = token + 1, attempt = 0,
        rejections = 0, rejected_since = null, suspect = 0, join_token = null, pending = 0, failed_children = 0,
        reason = null, reason_by = null, since = now(), run_at = now(), finished_at = null
    where id = $1
    returning id, token, step, attempt, traceparent
  ), logged as (
    insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
    select id, token, step, attempt, 'replayed', 'by ' || $6::text, traceparent from again
  )
  select id from again`;
