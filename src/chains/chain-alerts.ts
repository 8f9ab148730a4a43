/** Who is told when a chain waits for a person: a log line each time, and an alert that `retry` and `cancel` resolve. */
import type { Database } from '../database/session.ts';
import type { Decision } from './decision.ts';
import type { Settings } from './environment.ts';
import type { FreedChain } from './recovery.ts';
import type { Run } from './run.ts';
import type { Settled } from './settle.ts';
import type { BlockedChain } from './sweep.ts';

export const chainAlertRules = ['chain.dead', 'chain.blocked', 'chain.quarantined'] as const;

export function alertSubjectOf(chainId: string): string {
  return `chain ${chainId}`;
}

export function reportChain(
  { log, alerts }: Pick<Settings, 'log' | 'alerts'>,
  run: Run,
  decision: Decision,
  settled: Settled,
): void {
  if (settled.kind === 'continue' && decision.kind === 'succeeded') return;
  const { chainId, name, step, attempt } = run.chain;
  const fields = { chainId, chain: name, step, attempt };
  if (settled.kind === 'lost') {
    log.warn(fields, 'the result of a step was dropped: its chain was cancelled or taken away');
    return;
  }
  if (decision.kind === 'crashed') log.warn({ ...fields, err: decision.error }, 'a step crashed');
  if (decision.kind === 'rejected') log.info({ ...fields, reason: decision.reason }, 'a step was rejected');
  if (settled.kind !== 'left') return;
  const detail = { chain: name, step, subject: run.chain.subject, attempt };
  const about = `${name}${run.chain.subject ? ` (${run.chain.subject})` : ''}, step ${step || '1'}`;
  const subject = alertSubjectOf(chainId);
  if (settled.state === 'dead') {
    const message = `chain ${chainId}, ${about}: dead-lettered: ${settled.reason ?? 'no reason'}`;
    alerts.raise({ rule: 'chain.dead', subject, level: 'critical', message, detail });
  } else if (settled.state === 'blocked') {
    const message = `chain ${chainId}, ${about}: blocked: ${settled.reason ?? 'no reason'}`;
    alerts.raise({ rule: 'chain.blocked', subject, level: 'warning', message, detail });
  }
}

export function raiseBlocked(alerts: Settings['alerts'], { id, name, step, reason }: BlockedChain): void {
  alerts.raise({
    rule: 'chain.blocked',
    subject: alertSubjectOf(id),
    level: 'warning',
    message: `chain ${id}, ${name}, step ${step || '1'}: blocked: ${reason}`,
    detail: { chain: name, step },
  });
}

export function raiseQuarantined(alerts: Settings['alerts'], { id, name, step }: FreedChain): void {
  alerts.raise({
    rule: 'chain.quarantined',
    subject: alertSubjectOf(id),
    level: 'critical',
    message: `chain ${id}, ${name}, step ${step}: quarantined, its process died again and again while it ran`,
    detail: { chain: name, step },
  });
}

/** At most `limit` open alerts about chains that do not wait for a person any more, such as a dead one cancelled with its parent. */
export async function settledChainAlerts(
  database: Pick<Database, 'query'>,
  limit: number,
): Promise<{ rule: string; subject: string }[]> {
  return database.query(settled, [chainAlertRules, alertSubjectOf(''), limit]);
}

/** $1 rules, $2 what stands before the id in a subject. */
const settled = `
  select a.rule, a.subject from alert a
  where a.state = 'open' and a.rule = any ($1::text[]) and a.subject ~ ('^' || $2 || '\\d{1,18}$') and not exists (
    select from chain c
    where c.id = case when a.subject ~ ('^' || $2 || '\\d{1,18}$') then substr(a.subject, length($2) + 1)::bigint end
      and 'chain.' || c.state = a.rule)
  limit $3`;
