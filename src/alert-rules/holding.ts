/**
 * What a rule found, and what becomes of it (domain.md 4.5): one alert for each rule, subject, period and level. What is
 * known already is never raised again, whatever became of its alert; what no longer holds is resolved; what holds again after
 * that is raised again. All in the caller's transaction, which must hold the customer's lock (`evaluate.ts`).
 */
import { cleanText } from '../alerts/clean-alert.ts';
import type { Tx } from '../database/session.ts';
import type { RuleType } from './rule-types.ts';

export interface Holding {
  readonly type: RuleType;
  /** Such as `C001/0000000101 subscription 17`. Nothing personal. */
  readonly subject: string;
  /** ISO date: the cycle's first day; of what has no cycle, the day from which it holds. */
  readonly period: string;
  /** Such as `25 EUR` or `80 %`. */
  readonly level: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly message: string;
  readonly customerId: string;
  readonly contractId: string | null;
}

/** Which of the known ones a look can say that they no longer hold: those of these types, and of this contract and cycle. */
export interface Looked {
  readonly types: readonly RuleType[];
  /** Null: of all contracts and periods. */
  readonly of: { readonly customerId: string; readonly contractId: string | null; readonly period: string } | null;
}

export interface Settled {
  readonly raised: readonly Holding[];
  readonly resolved: number;
}

const known = `
  select type, subject, to_char(period, 'YYYY-MM-DD') as period, level, state from rule_alert
  where type = any ($1) and ($2::bigint is null or (period = $4::date
    and (contract_id = $3 or ($3::bigint is null and contract_id is null and customer_id = $2))))`;

const columns = `jsonb_to_recordset($1::jsonb) as h (type text, subject text, period date, level text, "customerId" bigint,
  "contractId" bigint, severity text, message text)`;

/** As alert-rows.ts forms an alert's key: the subject that a person sees. */
const alertSubject = `h.subject || ' ' || h.period || ' ' || h.level`;

const remember = `
  insert into rule_alert (type, subject, period, level, customer_id, contract_id)
  select type, subject, period, level, "customerId", "contractId" from ${columns}
  on conflict (type, subject, period, level) do update set state = 'open', first_at = now(), resolved_at = null`;

const raise = `
  insert into alert (rule, subject, level, message, remind)
  select type, ${alertSubject}, severity, message, false from ${columns}
  on conflict (rule, subject) where state = 'open' do update set message = excluded.message, last_at = now()`;

const refresh = `
  update alert a set message = h.message, last_at = now() from ${columns}
  where a.state = 'open' and a.rule = h.type and a.subject = ${alertSubject} and a.message <> h.message`;

/** `$2`: what becomes of them, resolved or ended. */
const forget = `
  update rule_alert r set state = $2, resolved_at = now() from ${columns}
  where r.type = h.type and r.subject = h.subject and r.period = h.period and r.level = h.level`;

/** Who heard of it, or is just hearing of it, is told its end by the alert service. */
const resolve = `
  update alert a set state = 'resolved', resolved_at = now(), notify_claimed_at = null,
    take_back = a.notified_at is not null or a.notify_claimed_at is not null
  from ${columns} where a.state = 'open' and a.rule = h.type and a.subject = ${alertSubject}`;

export async function settleHoldings(tx: Tx, found: readonly Holding[], looked: Looked): Promise<Settled> {
  const { types, of } = looked;
  const where = [types, of?.customerId ?? null, of?.contractId ?? null, of?.period ?? null];
  const before = await tx.query<Key & { state: 'open' | 'ended' | 'resolved' }>(known, where);
  const states = new Map(before.map((row) => [keyOf(row), row.state]));
  // two versions of one allowance have one name: the later word counts
  const byKey = new Map(found.map((one) => [keyOf(one), { ...one, message: cleanText(one.message, 2_000) }]));
  const clean = [...byKey.values()];
  const raised = clean.filter((one) => (states.get(keyOf(one)) ?? 'resolved') === 'resolved');
  const kept = clean.filter((one) => states.get(keyOf(one)) === 'open');
  const over = before.filter((row) => row.state !== 'resolved' && !byKey.has(keyOf(row)));
  if (raised.length > 0) {
    await tx.query(remember, [JSON.stringify(raised)]);
    await tx.query(raise, [JSON.stringify(raised)]);
  }
  if (kept.length > 0) await tx.query(refresh, [JSON.stringify(kept)]);
  if (over.length > 0) await endHoldings(tx, over, 'resolved');
  return { raised, resolved: over.length };
}

export type Key = Pick<Holding, 'type' | 'subject' | 'period' | 'level'>;

/** `ended`: it held to the end of its cycle, and is not raised again when the same totals are looked at again. */
export async function endHoldings(tx: Tx, keys: readonly Key[], state: 'resolved' | 'ended'): Promise<void> {
  await tx.query(forget, [JSON.stringify(keys), state]);
  await tx.query(resolve, [JSON.stringify(keys)]);
}

function keyOf({ type, subject, period, level }: Key): string {
  return JSON.stringify([type, subject, period, level]);
}
