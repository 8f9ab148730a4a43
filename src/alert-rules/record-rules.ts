/**
 * Rules over single records: premium numbers, satellites, ships and planes, and calls that last for hours. One pass over the
 * cycle's active records; what stands out is few. Calls to helplines keep no sign of which one it was, and are nobody's alert.
 */
import type { ReadSession } from '../database/session.ts';
import type { Holding } from './holding.ts';
import { aboutSubscription, type LookedCycle, nameOf, type SubscriptionRef } from './looked-cycle.ts';
import type { RuleParams } from './rule-types.ts';
import { explainHint } from './usage-rules.ts';

/**
 * Premium: 0900, 0906 and 0909, by the provider's word or by the digits that masking leaves. Satellite: +870, +881, +882.
 * MCC 901 is the networks of no country: satellites, ships, planes.
 */
const premium = `(d.category in ('premium', 'sms-premium', 'satellite', 'maritime', 'in-flight')
    or d.b_prefix ~ '^(3190[069]|870|881|882)' or d.visited like '901%')
  and not (d.b_prefix is not null and d.b_masked is null)`;

const outstanding = `
  select s.id as subscription, o.* from (
    select d.msisdn, count(*) filter (where ${premium}) as premium,
      count(*) filter (where d.kind = 'voice' and d.usage_s > $3) as long,
      coalesce(max(d.usage_s) filter (where d.kind = 'voice'), 0) as "longestS"
    from cdr d
    where d.contract_id = $1 and d.cycle_start = $2::date and d.state = 'active' and d.reverses_cdr is null
      and ((d.kind = 'voice' and d.usage_s > $3) or (${premium}))
    group by d.msisdn) o
  left join subscription s on s.contract_id = $1 and s.msisdn = o.msisdn
  order by o.msisdn`;

interface Outstanding extends SubscriptionRef {
  readonly premium: string;
  readonly long: string;
  readonly longestS: string;
}

export async function recordHoldings(
  session: Pick<ReadSession, 'query'>,
  of: LookedCycle,
  rules: {
    readonly premium: RuleParams['usage.premium'] | undefined;
    readonly longCall: RuleParams['usage.long-call'] | undefined;
  },
): Promise<Holding[]> {
  if (rules.premium === undefined && rules.longCall === undefined) return [];
  const hours = rules.longCall?.hours ?? 10_000;
  const rows = await session.query<Outstanding>(outstanding, [of.contractId, of.cycleStart, hours * 3_600]);
  const holdings: Holding[] = [];
  for (const one of rows) {
    if (rules.premium && one.premium !== '0') {
      const message = `${nameOf(of, one)} has ${one.premium} records of premium numbers, satellites, ships or planes in cycle ${of.cycleStart}; ${explainHint(of)}`;
      holdings.push(aboutSubscription(of, 'usage.premium', one, { level: 'any', severity: 'warning', message }));
    }
    if (rules.longCall && one.long !== '0') {
      const message = `${nameOf(of, one)} made ${one.long} calls of more than ${hours} h in cycle ${of.cycleStart}, the longest of ${duration(Number(one.longestS))}; ${explainHint(of)}`;
      holdings.push(
        aboutSubscription(of, 'usage.long-call', one, { level: `${hours} h`, severity: 'warning', message }),
      );
    }
  }
  return holdings;
}

function duration(seconds: number): string {
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
