/**
 * What a person may do to a chain. Each command moves the row under a new token, so that whatever runs it is fenced out,
 * and leaves a row in the log and in the audit table. The node that runs a cancelled chain finds out at its next beat.
 */
import type { Alerts } from '../alerts/alerts.ts';
import type { Database, Row, Tx } from '../database/session.ts';
import { alertSubjectOf, chainAlertRules } from './chain-alerts.ts';
import type { Json } from './define.ts';
import { giveKey, openChainOf } from './enqueue.ts';
import { bringBack, bringChildrenBack } from './history.ts';
import { abandonJoin, countChildren } from './join-sql.ts';
import { cleanText } from './payload.ts';
import { mayRunNow } from './row-rules.ts';

/** The command does not fit the chain's state; the message says which and what fits. */
export class ChainCommandError extends Error {
  override readonly name = 'ChainCommandError';
}

/** Ends a chain in any open state. Throws ChainCommandError when there is none, or it has already ended. */
export async function cancelChain(database: Database, chainId: string, who: string, why = ''): Promise<void> {
  const id = idOf(chainId);
  await database.transaction(async (tx) => {
    const before = await lockChain(tx, id);
    if (['succeeded', 'failed', 'cancelled'].includes(before.state)) {
      throw new ChainCommandError(`chain ${id} has already ended: ${before.state}`);
    }
    const reason = cleanText(why || 'cancelled');
    await tx.query(abandonJoin, [id, `its parent, chain ${id}, was cancelled: ${reason}`, cleanText(who, 200)]);
    await tx.query(cancel, [id, reason, cleanText(who, 200)]);
    await tx.query(recordAudit, [
      who,
      'chain cancel',
      `chain ${id}`,
      JSON.stringify({ was: before.state, why: cleanText(why) }),
    ]);
    await countChildren(tx, [id]);
  });
}

/**
 * Gives a dead, failed or quarantined chain all its tries again, from the step that stopped it, with the same input.
 * Throws ChainCommandError in any other state, or when another open chain has taken its unique key.
 */
export async function retryChain(database: Database, chainId: string, who: string): Promise<void> {
  const id = idOf(chainId);
  await database.transaction(async (tx) => {
    const before = await lockChain(tx, id);
    if (!['dead', 'failed', 'quarantined'].includes(before.state)) {
      throw new ChainCommandError(
        `chain ${id} is ${before.state}; only dead, failed and quarantined chains are retried`,
      );
    }
    if (before.unknown_effect) {
      throw new ChainCommandError(
        `it is not known whether step ${before.step} of chain ${id} has had its effect; look at the other side, then replay the chain from the step after it, or from ${before.step} to do it again`,
      );
    }
    await takeKeyAgain(tx, id, before.unique_key);
    if (before.state === 'failed' && !(await bringChildrenBack(tx, id))) {
      throw new ChainCommandError(
        `chain ${id} waited for children, and these are not all kept any more; replay it from the step that opened them`,
      );
    }
    if (before.failed_children > 0) await refuseFailedJoin(tx, id);
    await tx.query(retry, [id, cleanText(who, 200)]);
    await tx.query(recordAudit, [who, 'chain retry', `chain ${id}`, JSON.stringify({ was: before.state })]);
  });
}

/** A chain that begins again needs its unique key. */
export async function takeKeyAgain(tx: Tx, id: string, uniqueKey: string | null): Promise<void> {
  if (uniqueKey === null) return;
  const other = await openChainOf(tx, uniqueKey);
  if (other !== null && other !== id) {
    throw new ChainCommandError(
      `chain ${id} cannot be retried: chain ${other} is open for the same key; cancel it first`,
    );
  }
  await tx.query(giveKey, [uniqueKey, id]);
}

/** It failed because children did: these first. */
async function refuseFailedJoin(tx: Tx, id: string): Promise<void> {
  const rows = await tx.query<{ id: string }>(stillFailed, [id]);
  if (rows.length === 0) return;
  const ids = rows.map((row) => row.id).join(', ');
  throw new ChainCommandError(
    `chain ${id} failed because its children did: ${ids}${rows.length === 10 ? ' and maybe more' : ''}; retry these first, or replay chain ${id} from the step that opened them`,
  );
}

/** To be called after a retry or a cancel: what was raised about the chain is settled. */
export function resolveChainAlerts(alerts: Alerts, chainId: string): void {
  for (const rule of chainAlertRules) alerts.resolve(rule, alertSubjectOf(chainId));
}

export function idOf(chainId: string): string {
  if (!/^[1-9]\d{0,18}$/.test(chainId))
    throw new ChainCommandError(`${cleanText(chainId, 40)} is not a chain id, a number`);
  return chainId;
}

export interface LockedChain {
  readonly name: string;
  readonly version: number;
  readonly state: string;
  readonly step: string;
  readonly unique_key: string | null;
  readonly failed_children: number;
  /** An attempt of its step may have had an effect that must not happen twice. */
  readonly unknown_effect: boolean;
  readonly input: Json;
}

/** One that was carried into history is brought back; a refusal rolls that back. Throws ChainCommandError when there is no such chain. */
export async function lockChain(tx: Tx, id: string): Promise<LockedChain> {
  const [row] = await tx.query<LockedChain & Row>(lock, [id]);
  if (row) return row;
  await bringBack(tx, id);
  // also when it brought nothing back: somebody else's command may just have done so
  const [back] = await tx.query<LockedChain & Row>(lock, [id]);
  if (!back) throw new ChainCommandError(`there is no chain ${id}; see chain list`);
  return back;
}

const lock = `
  select name, version, state, step, unique_key, failed_children, input,
         exists (select from effect_intent e where e.chain_id = chain.id and e.step = chain.step) as unknown_effect
  from chain where id = $1 for no key update`;

const stillFailed = `
  select k.id from chain p join chain k on k.parent_id = p.id and k.parent_token = p.join_token
  where p.id = $1 and k.on_child_failure = 'fail' and k.state <> 'succeeded'
  order by k.id limit 10`;

const cancel = `
  with moved as (
    update chain
    set state = 'cancelled', owner = null, token = token + 1, reason = $2, reason_by = $3, since = now(),
        finished_at = now()
    where id = $1
    returning id, token, step, attempt, traceparent
  )
  insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
  select id, token, step, attempt, 'cancelled', $2 || ' (' || $3 || ')', traceparent from moved`;

const retry = `
  with moved as (
    update chain
    set state = ${mayRunNow('chain')}, token = token + 1, attempt = 0, rejections = 0, rejected_since = null, suspect = 0,
        failed_children = 0, run_at = now(), reason = null, reason_by = null, since = now(), finished_at = null
    where id = $1
    returning id, token, step, attempt, traceparent
  )
  insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
  select id, token, step, attempt, 'retried', 'by ' || $2::text, traceparent from moved`;

export const recordAudit = 'insert into audit (actor, action, subject, detail) values ($1, $2, $3, $4::jsonb)';
