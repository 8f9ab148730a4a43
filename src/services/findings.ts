/**
 * Everything that must not exist, counted: the audit of law 2, the oracle of the product, and schedules that did not fire.
 * Empty in a healthy system.
 */
import { auditChains } from '../chains/audit.ts';
import type { Database } from '../database/session.ts';
import { lateSchedules } from '../schedule/late.ts';
import { oracleBreaches } from '../totals/oracle.ts';

export interface Finding {
  /** Alert rule. */
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly detail: Record<string, unknown>;
  readonly count: number;
}

/** The rules under which findings are raised. */
const rules = ['audit.chain', 'oracle.unconsumed', 'oracle.silent-profile', 'schedule.late', 'chain.expected'];

/** Findings whose alert is open, whoever raised it. */
export async function openFindings(database: Pick<Database, 'query'>): Promise<Pick<Finding, 'rule' | 'subject'>[]> {
  return database.query(`select rule, subject from alert where state = 'open' and rule = any ($1)`, [rules]);
}

/** Minutes that a healthy system never needs. */
const bounds = { consumedWithinSeconds: 300, dueWithinSeconds: 900, endWithinSeconds: 24 * 3_600 };

export async function findFaults(database: Database): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { finding, chains, chainIds } of await auditChains(database)) {
    const message = `${chains} open chains have no live reason: ${finding}; look with: linekeeper chain why ID`;
    findings.push({ rule: 'audit.chain', subject: finding, message, detail: { chainIds }, count: chains });
  }
  const { unconsumedTasks, silentProfiles } = await oracleBreaches(database, bounds);
  if (unconsumedTasks.length > 0) {
    const message = `${unconsumedTasks.length} completed sync tasks are consumed by no totals generation`;
    const detail = { syncTasks: unconsumedTasks.slice(0, 10) };
    findings.push({ rule: 'oracle.unconsumed', subject: 'sync tasks', message, detail, count: unconsumedTasks.length });
  }
  if (silentProfiles.length > 0) {
    const message = `${silentProfiles.length} due profiles have no sync task that ends in time`;
    const detail = { profiles: silentProfiles.slice(0, 10) };
    findings.push({
      rule: 'oracle.silent-profile',
      subject: 'profiles',
      message,
      detail,
      count: silentProfiles.length,
    });
  }
  for (const late of await lateSchedules(database)) {
    const message = `schedule ${late.name} was due at ${late.dueAt.toISOString()} and has not fired${late.error === null ? '' : `: ${late.error}`}`;
    findings.push({ rule: 'schedule.late', subject: late.name, message, detail: {}, count: 1 });
  }
  return findings;
}
