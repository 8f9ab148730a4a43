/**
 * `totals`: after every end customer has its own, the reseller's. For each month that this task looked at: what is in totals,
 * what waits in suspense and what was kept out line by line must together be what the overview says, to the last digit. A month
 * in which a customer is missing says so; one that differs without that is an alert of its own.
 */
import { type Handler, type Json, succeeded } from '../../chains/define.ts';
import type { Tx } from '../../database/session.ts';
import { finishTask } from '../../totals/steps.ts';
import { readSyncSubject, type SyncInput } from '../sync-input.ts';
import type { RoutItServices } from './services.ts';

/**
 * Imported: active records of any version of the file, wherever they lie (an adjustment lies in an open cycle and names its file).
 * Quarantined: what the file adds up to less what was staged of it.
 */
const sums = `
  with delivery as (
    select d.period, d.state, d.net_e8, d.staged_e8,
      coalesce((select sum(c.provider_amount_e8) from raw_file f join raw_file v on v.contract_id = f.contract_id and v.logical_key = f.logical_key
        join cycle y on y.contract_id = f.contract_id
        join cdr c on c.contract_id = f.contract_id and c.cycle_start = y.cycle_start and c.raw_file_id = v.id and c.state = 'active'
        where f.id = d.raw_file_id and f.contract_id <> d.contract_id and d.state in ('matched', 'suspense')), 0) as imported,
      case when d.state <> 'suspense' then 0 when exists (select from reseller_cdr c where c.delivery_id = d.id)
        then (select coalesce(sum(c.provider_amount_e8), 0) from reseller_cdr c where c.delivery_id = d.id and not c.matched)
        else d.net_e8 end as waiting
    from reseller_delivery d
    where d.contract_id = $1 and d.period in (select period from reseller_delivery where contract_id = $1 and sync_task_id = $2
      union select period from reseller_period where contract_id = $1 and state = 'open')
  ), summed as (
    select p.contract_id, p.period, p.net_e8, coalesce(sum(d.imported), 0) as imported, coalesce(sum(d.waiting), 0) as waiting,
      coalesce(sum(d.net_e8 - d.staged_e8) filter (where d.state in ('matched', 'suspense') and d.waiting <> d.net_e8), 0) as kept_out,
      count(*) filter (where d.state in ('failed', 'refused', 'listed', 'fetched', 'staged')) as missing
    from reseller_period p left join delivery d on d.period = p.period
    where p.contract_id = $1 and (d.period is not null or p.state = 'open')
    group by p.contract_id, p.period, p.net_e8
  )
  select to_char(s.period, 'YYYY-MM') as period, s.net_e8::text as "netE8", s.imported::text as "importedE8",
    s.waiting::text as "suspenseE8", s.kept_out::text as "quarantinedE8", s.missing::int as missing
  from summed s order by s.period`;

const setPeriods = `
  update reseller_period p set imported_e8 = s.imported, suspense_e8 = s.suspense, quarantined_e8 = s.quarantined, state = s.state,
    reason = s.reason
  from jsonb_to_recordset($2::jsonb) as s (period text, imported bigint, suspense bigint, quarantined bigint, state text, reason text)
  where p.contract_id = $1 and p.period = (s.period || '-01')::date`;

const failedParts = `
  select count(*) filter (where state = 'failed')::int as "failedCustomers",
    count(*) filter (where state = 'refused')::int as "refusedFiles"
  from reseller_delivery where contract_id = $1 and sync_task_id = $2`;

export function settleReseller(services: RoutItServices): Handler<SyncInput> {
  return async (context) => {
    const { read, input } = context;
    const subject = await readSyncSubject(read, input);
    const unpublished: string[] = [];
    let waiting = 0;
    for await (const one of context.children()) {
      const about = `${subject.customer}/${one.subject}`;
      if (one.state === 'succeeded') {
        services.alerts.resolve('routit.customer-totals', about);
        waiting += inReview(one.output);
      } else {
        unpublished.push(one.subject ?? one.chainId);
        const message = `the totals of end customer ${one.subject} were not published: ${one.reason ?? one.state}; the other customers have theirs. When it is mended: linekeeper chain retry ${one.chainId}`;
        services.alerts.raise({ rule: 'routit.customer-totals', subject: about, level: 'critical', message });
      }
    }
    const summed = await read.query<SummedPeriod>(sums, [input.contractId, input.syncTaskId]);
    const periods = summed.map((period) => ({ ...period, ...verdictOn(period) }));
    for (const period of periods) report(services, subject.customer, period);
    return succeeded({
      commit: async (tx) => {
        await tx.query(setPeriods, [input.contractId, JSON.stringify(periods.map(rowOf))]);
        const [parts] = await tx.query<Record<string, number>>(failedParts, [input.contractId, input.syncTaskId]);
        await count(tx, input, { ...parts, unpublishedCustomers: unpublished.length });
        await finishTask(tx, input.syncTaskId, input.contractId, waiting);
        return { periods: periods.map(({ period, state, reason }) => ({ period, state, reason })), unpublished };
      },
    });
  };
}

interface SummedPeriod {
  /** `2026-10` */
  readonly period: string;
  readonly netE8: string;
  readonly importedE8: string;
  readonly suspenseE8: string;
  readonly quarantinedE8: string;
  /** End customers whose file is not in. */
  readonly missing: number;
}

interface Verdict {
  readonly state: 'agrees' | 'incomplete' | 'differs';
  readonly reason: string | null;
}

/** The sum of the customers is held against the overview's net only when none of them is missing. */
export function verdictOn({ netE8, importedE8, suspenseE8, quarantinedE8, missing }: SummedPeriod): Verdict {
  if (missing > 0) return { state: 'incomplete', reason: `${missing} customers are missing` };
  const sum = BigInt(importedE8) + BigInt(suspenseE8) + BigInt(quarantinedE8);
  if (sum === BigInt(netE8)) return { state: 'agrees', reason: null };
  return { state: 'differs', reason: `its customers add up to ${sum}, the overview says ${netE8} (1e-8 EUR)` };
}

function rowOf({ period, importedE8, suspenseE8, quarantinedE8, state, reason }: SummedPeriod & Verdict) {
  return { period, imported: importedE8, suspense: suspenseE8, quarantined: quarantinedE8, state, reason };
}

function report({ alerts }: RoutItServices, customer: string, { period, state, reason }: SummedPeriod & Verdict): void {
  const subject = `${customer}/${period}`;
  if (state !== 'differs') {
    alerts.resolve('routit.total-differs', subject);
    return;
  }
  const message = `the end customers of ${period} do not add up to the net of the overview: ${reason}`;
  alerts.raise({ rule: 'routit.total-differs', subject, level: 'critical', message });
}

/** How many cycles of a customer wait for a person, by what its last step told. */
function inReview(output: Json): number {
  const published = Array.isArray(output) ? (output as readonly { review?: unknown }[]) : [];
  return published.filter(({ review }) => review !== null && review !== undefined).length;
}

async function count(tx: Tx, { syncTaskId }: SyncInput, counts: Record<string, number>): Promise<void> {
  await tx.query('update sync_task set counts = counts || $2::jsonb where id = $1', [
    syncTaskId,
    JSON.stringify(counts),
  ]);
}
