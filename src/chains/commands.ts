/**
 * What a person may do to a chain. Each command moves the row under a new token, so that whatever runs it is fenced out,
 * and leaves a row in the log and in the audit table. The node that runs a cancelled chain finds out at its next beat.
 */
import type { Alerts } from '../alerts/alerts.ts';
import type { Database, Tx } from '../database/session.ts';
import { alertSubjectOf, chainAlertRules } from './chain-alerts.ts';
import { giveKey, openChainOf } from './enqueue.ts';
import { bringBack, endedInHistory } from './history.ts';
import { cleanText } from './payload.ts';

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
    await tx.query(cancel, [id, cleanText(why || 'cancelled'), cleanText(who, 200)]);
    await tx.query(recordAudit, [
      who,
      'chain cancel',
      `chain ${id}`,
      JSON.stringify({ was: before.state, why: cleanText(why) }),
    ]);
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
    if (before.unique_key !== null) {
      const other = await openChainOf(tx, before.unique_key);
      if (other !== null) {
        throw new ChainCommandError(
          `chain ${id} cannot be retried: chain ${other} is open for the same key; cancel it first`,
        );
      }
      await tx.query(giveKey, [before.unique_key, id]);
    }
    await tx.query(retry, [id, cleanText(who, 200)]);
    await tx.query(recordAudit, [who, 'chain retry', `chain ${id}`, JSON.stringify({ was: before.state })]);
  });
}

/** To be called after a retry or a cancel: what was raised about the chain is settled. */
export function resolveChainAlerts(alerts: Alerts, chainId: string): void {
  for (const rule of chainAlertRules) alerts.resolve(rule, alertSubjectOf(chainId));
}

function idOf(chainId: string): string {
  if (!/^[1-9]\d{0,18}$/.test(chainId))
    throw new ChainCommandError(`${cleanText(chainId, 40)} is not a chain id, a number`);
  return chainId;
}

interface Locked {
  readonly state: string;
  readonly unique_key: string | null;
}

/** A failed chain that was carried into history is brought back for the command; a refusal rolls that back. */
async function lockChain(tx: Tx, id: string): Promise<Locked> {
  const [row] = await tx.query<Locked>(lock, [id]);
  if (row) return row;
  const ended = await endedInHistory(tx, id);
  if (ended !== null && ended !== 'failed') return { state: ended, unique_key: null };
  await bringBack(tx, id);
  // also when it brought nothing back: somebody else's retry may just have done so
  const [back] = await tx.query<Locked>(lock, [id]);
  if (!back) throw new ChainCommandError(`there is no chain ${id}; see chain list`);
  return back;
}

const lock = 'select state, unique_key from chain where id = $1 for no key update';

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
    set state = 'ready', token = token + 1, attempt = 0, rejections = 0, rejected_since = null, suspect = 0,
        run_at = now(), reason = null, reason_by = null, since = now(), finished_at = null
    where id = $1
    returning id, token, step, attempt, traceparent
  )
  insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
  select id, token, step, attempt, 'retried', 'by ' || $2::text, traceparent from moved`;

const recordAudit = 'insert into audit (actor, action, subject, detail) values ($1, $2, $3, $4::jsonb)';
