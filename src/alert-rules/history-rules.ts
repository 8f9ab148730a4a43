/** `usage.spike`: a subscription that used far more than in the cycles before. */
import type { ReadSession } from '../database/session.ts';
import type { Holding } from './holding.ts';
import { aboutSubscription, type LookedCycle, nameOf, type SubscriptionRef, statedCategories } from './looked-cycle.ts';
import type { RuleParams } from './rule-types.ts';
import { amountOf, euros, explainHint } from './usage-rules.ts';

/**
 * The last `$4` published cycles must be there, and the subscription from the first of them on: one that is new has no habits
 * yet. A cycle in which it used nothing counts as 0. The number of cycles is odd, so the median is one of them and exact.
 */
const spikes = `
  with earlier as (
    select g.cycle_start, g.generation, y.cycle_end from total_generation g join cycle y using (contract_id, cycle_start)
    where g.contract_id = $1 and g.state = 'current' and g.cycle_start < $2::date order by g.cycle_start desc limit $4
  ), used as materialized (
    select msisdn, sum(amount_e8)::bigint as amount from total_usage
    where contract_id = $1 and cycle_start = $2::date and generation = $3 and category <> all ($5)
    group by msisdn having sum(amount_e8) > $7::bigint
  ), before as materialized (
    select u.msisdn, e.cycle_start, sum(u.amount_e8)::bigint as amount
    from earlier e join total_usage u on u.contract_id = $1 and u.cycle_start = e.cycle_start and u.generation = e.generation
    where u.category <> all ($5) group by u.msisdn, e.cycle_start
  ), habit as (
    select n.msisdn, n.amount, percentile_disc(0.5) within group (order by coalesce(b.amount, 0)) as median
    from used n cross join earlier e left join before b on b.msisdn = n.msisdn and b.cycle_start = e.cycle_start
    group by n.msisdn, n.amount
  )
  select s.id as subscription, h.msisdn, h.amount as "amountE8", h.median as "medianE8"
  from habit h left join subscription s on s.contract_id = $1 and s.msisdn = h.msisdn
  where (select count(*) from earlier) = $4 and h.amount > greatest($6::bigint * h.median, h.median + $7::bigint)
    and coalesce(lower(s.valid), s.first_seen, '-infinity') < (select min(cycle_end) from earlier)
  order by h.msisdn`;

export async function spikeHoldings(
  session: Pick<ReadSession, 'query'>,
  of: LookedCycle,
  params: RuleParams['usage.spike'] | undefined,
): Promise<Holding[]> {
  if (params === undefined) return [];
  const { factor, aboveEur, cycles } = params;
  const where = [of.contractId, of.cycleStart, of.generation, cycles, statedCategories, factor, amountOf(aboveEur)];
  const rows = await session.query<SubscriptionRef & { amountE8: string; medianE8: string }>(spikes, where);
  return rows.map((one) =>
    aboutSubscription(of, 'usage.spike', one, {
      level: `${factor} x`,
      severity: 'warning',
      message: `${nameOf(of, one)} used ${euros(one.amountE8)} beyond its bundles in cycle ${of.cycleStart}; the median of the ${cycles} cycles before is ${euros(one.medianE8)}; ${explainHint(of)}`,
    }),
  );
}
