/**
 * Everything that must not exist, counted: the audit of law 2, the oracle of the product, and schedules that did not fire.
 * Empty in a healthy system.
 */
import { auditChains } from '../chains/audit.ts';
import { oldTransactions } from '../database/old-transactions.ts';
import type { Database } from '../database/session.ts';
import { lateSchedules } from '../schedule/late.ts';
import { oracleBreaches, settleConsumed } from '../totals/oracle.ts';
import { waitingGenerations } from '../totals/review.ts';
import { waitingCycles, whyNotClosed } from '../totals/standing.ts';

export interface Finding {
  /** Alert rule. */
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly detail: Record<string, unknown>;
  readonly count: number;
  /** Default critical: something that must not exist. */
  readonly level?: 'warning' | 'critical';
  /** A person has to decide; the service itself does its work. */
  readonly waitsForPerson?: true;
}

/** The rules under which findings are raised. */
const rules = [
  'audit.chain',
  'oracle.unconsumed',
  'oracle.silent-profile',
  'schedule.late',
  'chain.expected',
  'database.old-transaction',
  'totals.review',
  'cycle.not-closed',
];

/** Findings whose alert is open, whoever raised it. */
export async function openFindings(database: Pick<Database, 'query'>): Promise<Pick<Finding, 'rule' | 'subject'>[]> {
  return database.query(`select rule, subject from alert where state = 'open' and rule = any ($1)`, [rules]);
}

/** Minutes that a healthy system never needs. */
const bounds = { consumedWithinSeconds: 300, dueWithinSeconds: 900, endWithinSeconds: 24 * 3_600 };

/** What an idle transaction may last before somebody is told. */
const oldTransactionSeconds = 300;

export async function findFaults(database: Database): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { finding, chains, chainIds } of await auditChains(database)) {
    const message = `${chains} open chains have no live reason: ${finding}; look with: linekeeper chain why ID`;
    findings.push({ rule: 'audit.chain', subject: finding, message, detail: { chainIds }, count: chains });
  }
  await settleConsumed(database);
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
  findings.push(...(await waitingForPerson(database)));
  findings.push(...(await forgottenTransactions(database, oldTransactionSeconds)));
  return findings;
}

/** Totals and cycles that only a person can move. Read from the rows, so it is told whoever died meanwhile. */
export async function waitingForPerson(database: Pick<Database, 'query'>): Promise<Finding[]> {
  const generations = await waitingGenerations(database);
  const reviews = generations.map(({ customer, account, cycleStart, generation, current, why }) => ({
    rule: 'totals.review',
    subject: `${customer}/${account}/${cycleStart}`,
    message: `generation ${generation} of the totals of ${customer}, account ${account}, cycle ${cycleStart} waits for a person, generation ${current} stays current: ${why}; look with: linekeeper totals review`,
    detail: { generation, current },
  }));
  const cycles = (await waitingCycles(database)).map((cycle) => ({
    rule: 'cycle.not-closed',
    subject: `${cycle.customer}/${cycle.account}/${cycle.cycleStart}`,
    message: `cycle ${cycle.cycleStart} of ${cycle.customer}, account ${cycle.account} should be closed: ${whyNotClosed(cycle)}`,
    detail: { blocker: cycle.blocker },
  }));
  return [...reviews, ...cycles].map((finding) => ({ ...finding, count: 1, waitsForPerson: true }));
}

export async function forgottenTransactions(
  database: Pick<Database, 'query'>,
  olderThanSeconds: number,
): Promise<Finding[]> {
  const old = await oldTransactions(database, { olderThanSeconds });
  return old.map(({ pid, applicationName, user, ageSeconds }) => ({
    rule: 'database.old-transaction',
    subject: `pid ${pid}`,
    message: `session ${pid} (${applicationName || 'no application_name'}, user ${user}) has been idle in a transaction for ${Math.round(ageSeconds / 60)} minutes; it keeps vacuum from removing dead rows, and work slows down until it ends: end its transaction, or: select pg_terminate_backend(${pid})`,
    detail: { pid, applicationName, user, ageSeconds },
    count: 1,
    level: 'warning',
  }));
}
