/**
 * How each cycle stands: when it is due to be closed, and what keeps it from it (domain.md 4.2). By the database's clock.
 *
 * A cycle is due `late_days` after its end, in the contract's days, and not before its records have been left alone for a
 * while: whoever loads months of the past at once, or reopens one, has time to look before everything after that is an
 * adjustment.
 */
import type { ReadSession } from '../database/session.ts';

/** How long a cycle's records and prices must have been left alone before it is closed by itself. */
export const quietSeconds = 24 * 3_600;

/** What keeps a cycle from being closed; those that end by themselves first. */
export type Blocker = 'running' | 'unpublished' | 'syncing' | 'stale' | 'review' | 'outdated' | 'unrated';

/** Only a person can end these. */
export const needsPerson: ReadonlySet<Blocker> = new Set(['review', 'outdated', 'unrated']);

export interface CycleStanding {
  readonly customer: string;
  readonly account: string;
  readonly contractId: string;
  readonly cycleStart: string;
  readonly cycleEnd: string;
  readonly state: 'open' | 'grace' | 'closed' | 'adjusted';
  /** When it is closed by itself, if nothing keeps it from it; of a closed one when that was. */
  readonly closesAt: string;
  readonly due: boolean;
  readonly blocker: Blocker | null;
  readonly generation: number | null;
  readonly review: number | null;
  readonly records: string;
  readonly unrated: string;
  readonly amountE8: string;
  /** Records of other cycles that adjust this one, and what they add up to. */
  readonly adjustments: string;
  readonly adjustmentsE8: string;
}

const utc = (time: string) => `to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

/** `which` limits the cycles. Parameter 1: the quiet time in seconds. */
export const standing = (which: string) => `
  select c.code as customer, k.account_no as account, k.id as "contractId", y.cycle_start, to_char(y.cycle_start, 'YYYY-MM-DD') as "cycleStart",
    to_char(y.cycle_end, 'YYYY-MM-DD') as "cycleEnd", y.state, ${utc(`coalesce(y.closed_at, w.due_at)`)} as "closesAt",
    y.state in ('open', 'grace') and w.due_at <= now() as due, g.generation, v.generation as review,
    coalesce(r.unrated, 0)::bigint as unrated,
    case when y.state not in ('open', 'grace') then null
      when y.ends_at > now() then 'running'
      when g.generation is null then 'unpublished'
      when exists (select from sync_task t join sync_profile p on p.id = t.profile_id
        where p.contract_id = y.contract_id and t.status = 'open') then 'syncing'
      when v.generation is not null then 'review'
      when r.revision <> y.revision then 'stale'
      when not exists (select from total_generation n where n.contract_id = y.contract_id
        and n.cycle_start = y.cycle_start and n.rating_run_id = y.rating_run_id) then 'stale'
      when g.rating_run_id <> y.rating_run_id or cardinality(r.tariff_versions) = 0 then 'outdated'
      when r.unrated > 0 then 'unrated' end as blocker
  from cycle y join contract k on k.id = y.contract_id join customer c on c.id = k.customer_id
  left join rating_run r on r.id = y.rating_run_id
  left join total_generation g on g.contract_id = y.contract_id and g.cycle_start = y.cycle_start and g.state = 'current'
  left join total_generation v on v.contract_id = y.contract_id and v.cycle_start = y.cycle_start and v.state = 'review'
  cross join lateral (select greatest(
    (y.ends_at at time zone k.time_zone + make_interval(days => coalesce(
      (select max(p.late_days) from sync_profile p where p.contract_id = k.id and p.enabled), 10))) at time zone k.time_zone,
    r.created_at + make_interval(secs => $1), y.reopened_at + make_interval(secs => $1)) as due_at) w
  where ${which}`;

const sums = `
  select s.*, u.records, u.amount as "amountE8", a.records as adjustments, a.amount as "adjustmentsE8"
  from (${standing('c.code = $2 and ($3::date is null or y.cycle_start = $3::date) and ($4::text is null or k.account_no = $4)')}) s
  cross join lateral (select coalesce(sum(records), 0)::bigint as records, coalesce(sum(amount_e8), 0)::bigint as amount
    from total_usage u where u.contract_id = s."contractId" and u.cycle_start = s.cycle_start and u.generation = s.generation) u
  cross join lateral (select count(*) as records, coalesce(sum(r.amount_e8), 0)::bigint as amount
    from cdr d join cycle y on y.contract_id = d.contract_id and y.cycle_start = d.cycle_start
    left join rated_cdr r on r.contract_id = d.contract_id and r.cycle_start = d.cycle_start
      and r.rating_run_id = y.rating_run_id and r.cdr_id = d.id
    where d.contract_id = s."contractId" and d.adjusts_cycle = s.cycle_start and d.state = 'active') a
  order by s.cycle_start, s.account`;

/** The cycles of a customer, oldest first. */
export async function listCycles(
  session: Pick<ReadSession, 'query'>,
  which: { readonly customer: string; readonly cycle?: string; readonly account?: string },
): Promise<CycleStanding[]> {
  return session.query<CycleStanding>(sums, [quietSeconds, which.customer, which.cycle ?? null, which.account ?? null]);
}

const waiting = standing(`y.state in ('open', 'grace') and y.ends_at <= now() and c.active`);

/** Cycles that should be closed by now and wait for a person. */
export async function waitingCycles(
  session: Pick<ReadSession, 'query'>,
  quiet = quietSeconds,
): Promise<Omit<CycleStanding, 'records' | 'amountE8' | 'adjustments' | 'adjustmentsE8'>[]> {
  const rows = await session.query<CycleStanding>(waiting, [quiet]);
  return rows.filter(({ due, blocker }) => due && blocker !== null && needsPerson.has(blocker));
}

/** What keeps it, and the way out. */
export function whyNotClosed(
  cycle: Pick<CycleStanding, 'blocker' | 'customer' | 'account' | 'cycleStart' | 'unrated' | 'review'>,
): string {
  const { blocker, customer, account, cycleStart, unrated, review } = cycle;
  const at = `--customer ${customer} --cycle ${cycleStart} --account ${account}`;
  switch (blocker) {
    case null:
      return 'nothing keeps it from being closed';
    case 'running':
      return 'it has not ended';
    case 'unpublished':
      return 'no totals of it were published yet';
    case 'syncing':
      return 'a sync of its contract is open';
    case 'stale':
      return `its records changed and wait for the next rating and totals; not to wait for the next sync: linekeeper totals recalculate ${at}`;
    case 'review':
      return `generation ${review} of its totals waits for a person; see: linekeeper totals review --customer ${customer}`;
    case 'outdated':
      return `its current totals are not those of its newest rating (restored or discarded by a person); mend the cause, then: linekeeper totals recalculate ${at}`;
    case 'unrated':
      return `${unrated} of its records have no price, and none may count as nothing in a closed cycle; mend the tariff, then: linekeeper totals recalculate ${at}`;
  }
}
