/**
 * Looks at cycles whose totals were swapped, and by the clock at what no swap tells.
 *
 * A swap leaves a row in `alert_due` in its own transaction. Here that row goes, the rules look at the current totals, and what
 * they find is settled, all in one transaction: a process that is killed anywhere leaves the row, and the next look does
 * it again. Looks at one customer wait for each other on an advisory lock, so that two nodes never settle against one another.
 * A look that fails is repeated after a minute, with an alert, and holds up nobody else's.
 */
import type { Alerts } from '../alerts/alerts.ts';
import type { Database, Tx } from '../database/session.ts';
import { isConnectionError, PoolBusyError } from '../database/session.ts';
import { withLinearJoins } from '../totals/linear-joins.ts';
import { allowanceHoldings } from './allowance-rules.ts';
import { clockHoldings } from './clock-rules.ts';
import { spikeHoldings } from './history-rules.ts';
import { endHoldings, type Holding, type Key, type Settled, settleHoldings } from './holding.ts';
import { inventoryHoldings } from './inventory-rules.ts';
import { type LookedCycle, readLookedCycle } from './looked-cycle.ts';
import { recordHoldings } from './record-rules.ts';
import { type RuleSet, readRules, rulesFor } from './rule-rows.ts';
import { clockTypes, customerTypes, type RuleType, ruleTypes } from './rule-types.ts';
import { customerHoldings, usageHoldings } from './usage-rules.ts';

const swapTypes: readonly RuleType[] = ruleTypes.filter(
  (type) => ![...clockTypes, ...customerTypes].some((other) => other === type),
);

const dueCycles = `
  select d.contract_id as "contractId", to_char(d.cycle_start, 'YYYY-MM-DD') as "cycleStart", k.customer_id as "customerId",
    bool_or(d.retry_at is not null) as again
  from (select * from alert_due where retry_at is null or retry_at <= now() order by id limit 200) d
  join contract k on k.id = d.contract_id
  group by d.contract_id, d.cycle_start, k.customer_id order by min(d.id) limit 20`;

interface DueCycle {
  readonly contractId: string;
  readonly cycleStart: string;
  readonly customerId: string;
  /** It failed before. */
  readonly again: boolean;
}

const lockCustomer = `select pg_try_advisory_xact_lock(hashtextextended('alert-rules/' || $1, 0)) as mine`;
const take = 'delete from alert_due where contract_id = $1 and cycle_start = $2::date returning id';
const later = `update alert_due set retry_at = now() + interval '1 minute' where contract_id = $1 and cycle_start = $2::date`;

export interface LookResult {
  readonly cycles: number;
  readonly raised: readonly Holding[];
  readonly resolved: number;
  /** There may be more: look again soon. */
  readonly more: boolean;
}

/**
 * Looks at the first cycle that is due and that no other node is at. Throws only what concerns the database as a whole, and the
 * reason of `signal`, which cancels the running statement.
 */
export async function lookAtSwaps(
  database: Database,
  alerts: Pick<Alerts, 'raise' | 'resolve'>,
  signal?: AbortSignal,
): Promise<LookResult> {
  const due = await database.query<DueCycle>(dueCycles);
  for (const one of due) {
    const failure = { rule, subject: `contract ${one.contractId} cycle ${one.cycleStart}` };
    const more = due.length > 1;
    try {
      const settled = await database.transaction((tx) => takeAndLook(tx, one), signal ? { signal } : {});
      if (settled === null) continue;
      if (one.again) alerts.resolve(failure.rule, failure.subject);
      return { cycles: 1, ...settled, more };
    } catch (error) {
      if (isEverybodys(error) || signal?.aborted) throw error;
      await database.query(later, [one.contractId, one.cycleStart]);
      const message = `the alert rules could not look at ${failure.subject}: ${(error as Error).message}; tried again every minute`;
      alerts.raise({ ...failure, level: 'warning', message });
      return { cycles: 0, raised: [], resolved: 0, more };
    }
  }
  return { cycles: 0, raised: [], resolved: 0, more: false };
}

const rule = 'alert-rules.failed';

function isEverybodys(error: unknown): boolean {
  return isConnectionError(error) || error instanceof PoolBusyError;
}

/** Null when another node is at this customer, or did it meanwhile. */
async function takeAndLook(tx: Tx, { contractId, cycleStart, customerId }: DueCycle): Promise<Settled | null> {
  if (!(await lockedHere(tx, customerId))) return null;
  if ((await tx.query(take, [contractId, cycleStart])).length === 0) return null;
  const of = await readLookedCycle(tx, contractId, cycleStart);
  if (of === null) return { raised: [], resolved: 0 };
  return evaluateCycle(tx, of);
}

async function lockedHere(tx: Tx, key: string): Promise<boolean> {
  const [lock] = await tx.query<{ mine: boolean }>(lockCustomer, [key]);
  return lock!.mine;
}

/** The rules of a swap, for one cycle. The customer must be locked. */
async function evaluateCycle(tx: Tx, of: LookedCycle): Promise<Settled> {
  const rows = await readRules(tx);
  const { customer, customerId, contractId, cycleStart } = of;
  // totals that were published moments ago have no statistics
  const [holdings, whole] = await withLinearJoins(tx, async () => [
    await cycleHoldings(tx, of, rulesFor(rows, { customer, contract: of })),
    await customerHoldings(tx, of, rulesFor(rows, { customer, contract: null })['usage.out-of-bundle-customer']),
  ]);
  const own = await settleHoldings(tx, holdings, {
    types: swapTypes,
    of: { customerId, contractId, period: cycleStart },
  });
  const all = await settleHoldings(tx, whole.holdings, {
    types: customerTypes,
    of: { customerId, contractId: null, period: whole.month },
  });
  return { raised: [...own.raised, ...all.raised], resolved: own.resolved + all.resolved };
}

async function cycleHoldings(tx: Tx, of: LookedCycle, rules: RuleSet): Promise<Holding[]> {
  return [
    ...(await usageHoldings(tx, of, {
      outOfBundle: rules['usage.out-of-bundle'],
      roamingData: rules['usage.roaming-data'],
      forecast: rules['usage.forecast'],
    })),
    ...(await allowanceHoldings(tx, of, { allowance: rules['usage.allowance'], fairUse: rules['usage.fair-use'] })),
    ...(await recordHoldings(tx, of, { premium: rules['usage.premium'], longCall: rules['usage.long-call'] })),
    ...(await spikeHoldings(tx, of, rules['usage.spike'])),
    ...(await inventoryHoldings(tx, of, {
      unknown: rules['subscription.unknown'],
      zeroUsage: rules['subscription.zero-usage'],
    })),
  ];
}

/**
 * Of closed cycles, on which nobody can act any more. What spans cycles ends later: zero usage, which is known only when a cycle
 * has ended, and what the customer as a whole used.
 */
const endedHoldings = `
  select r.type, r.subject, to_char(r.period, 'YYYY-MM-DD') as period, r.level from rule_alert r
  where r.state = 'open' and r.type <> all ($1) and case
    when r.contract_id is null or r.type = 'subscription.zero-usage' then r.first_at < now() - interval '100 days'
    else exists (select from cycle y where y.contract_id = r.contract_id and y.cycle_start = r.period
      and y.state in ('closed', 'adjusted')) end
  limit 1000`;

/** What the clock tells, and the end of what is past. Null when another node is at it, or when it failed, which is an alert. */
export async function lookByClock(
  database: Database,
  alerts: Pick<Alerts, 'raise' | 'resolve'>,
  signal?: AbortSignal,
): Promise<Settled | null> {
  const failure = { rule, subject: 'by the clock' };
  try {
    const settled = await database.transaction(lookNow, signal ? { signal } : {});
    if (settled !== null) alerts.resolve(failure.rule, failure.subject);
    return settled;
  } catch (error) {
    if (isEverybodys(error) || signal?.aborted) throw error;
    const message = `the alert rules could not look ${failure.subject}: ${(error as Error).message}; tried again every ten minutes`;
    alerts.raise({ ...failure, level: 'warning', message });
    return null;
  }
}

async function lookNow(tx: Tx): Promise<Settled | null> {
  if (!(await lockedHere(tx, 'by clock'))) return null;
  const settled = await settleHoldings(tx, await clockHoldings(tx, await readRules(tx)), {
    types: clockTypes,
    of: null,
  });
  const ended = await tx.query<Key>(endedHoldings, [clockTypes]);
  if (ended.length > 0) await endHoldings(tx, ended, 'ended');
  return settled;
}
