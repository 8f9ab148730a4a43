/** Rules over what each subscription, and the customer as a whole, used and has to pay in the cycle so far. */
import type { ReadSession } from '../database/session.ts';
import { formatAmountE8, parseAmountE8 } from '../telecom/money.ts';
import { forecastE8, localDays } from './forecast.ts';
import type { Holding } from './holding.ts';
import { aboutSubscription, type LookedCycle, nameOf, type SubscriptionRef, statedCategories } from './looked-cycle.ts';
import type { RuleParams } from './rule-types.ts';

export interface SubscriptionUsage extends SubscriptionRef {
  /** Of usage; what a bundle covers costs nothing, so this is what lies beyond it. */
  readonly amountE8: string;
  readonly worldOctets: string;
}

/** Those that can concern a rule: `$5` is the least amount, `$6` the least volume that any of them asks for. */
const usageOfSubscriptions = `
  select s.id as subscription, u.msisdn, sum(u.amount_e8)::bigint as "amountE8",
    coalesce(sum(u.usage_octets) filter (where u.category = 'data-world'), 0)::bigint as "worldOctets"
  from total_usage u left join subscription s on s.contract_id = u.contract_id and s.msisdn = u.msisdn
  where u.contract_id = $1 and u.cycle_start = $2::date and u.generation = $3 and u.category <> all ($4)
  group by s.id, u.msisdn
  having sum(u.amount_e8) >= $5 or sum(u.usage_octets) filter (where u.category = 'data-world') >= $6
  order by u.msisdn`;

const octetsPerMb = 1_000_000n;
const centE8 = 1_000_000n;
/** More than any total: a rule that is switched off asks for nobody. */
const nobody = 2n ** 63n - 1n;

export interface UsageRules {
  readonly outOfBundle: RuleParams['usage.out-of-bundle'] | undefined;
  readonly roamingData: RuleParams['usage.roaming-data'] | undefined;
  readonly forecast: RuleParams['usage.forecast'] | undefined;
}

export async function usageHoldings(
  session: Pick<ReadSession, 'query'>,
  of: LookedCycle,
  { outOfBundle, roamingData, forecast }: UsageRules,
): Promise<Holding[]> {
  const elapsed = localDays(of.cycleStart, of.publishedOn) + 1;
  const days = localDays(of.cycleStart, of.cycleEnd);
  const ahead = forecast && !of.whole && elapsed >= forecast.fromDay && elapsed < days ? forecast : null;
  const leastE8 = least([
    ...(outOfBundle?.levelsEur.map(amountOf) ?? []),
    // what ends at a level began this much below it
    ...(ahead?.levelsEur.map((level) => (amountOf(level) * BigInt(elapsed)) / BigInt(days)) ?? []),
  ]);
  const leastOctets = least(roamingData?.levelsMb.map(octetsOf) ?? []);
  const where = [of.contractId, of.cycleStart, of.generation, statedCategories, leastE8, leastOctets];
  const holdings: Holding[] = [];
  for (const one of await session.query<SubscriptionUsage>(usageOfSubscriptions, where)) {
    if (outOfBundle) holdings.push(...overAmount(of, one, outOfBundle.levelsEur));
    if (roamingData) holdings.push(...overVolume(of, one, roamingData.levelsMb));
    if (ahead) holdings.push(...overForecast(of, one, ahead.levelsEur, forecastE8(one.amountE8, elapsed, days)));
  }
  return holdings;
}

function overAmount(of: LookedCycle, one: SubscriptionUsage, levelsEur: readonly string[]): Holding[] {
  const reached = levelsEur.filter((level) => BigInt(one.amountE8) >= amountOf(level));
  return reached.map((level) =>
    aboutSubscription(of, 'usage.out-of-bundle', one, {
      level: `${level} EUR`,
      severity: 'warning',
      message: `${nameOf(of, one)} used ${euros(one.amountE8)} beyond its bundles in cycle ${of.cycleStart}, which is ${level} EUR or more; ${explainHint(of)}`,
    }),
  );
}

function overVolume(of: LookedCycle, one: SubscriptionUsage, levelsMb: readonly number[]): Holding[] {
  const reached = levelsMb.filter((level) => BigInt(one.worldOctets) >= octetsOf(level));
  return reached.map((level) =>
    aboutSubscription(of, 'usage.roaming-data', one, {
      level: `${level} MB`,
      severity: 'warning',
      message: `${nameOf(of, one)} used ${BigInt(one.worldOctets) / octetsPerMb} MB of data outside the EU in cycle ${of.cycleStart}, which is ${level} MB or more; ${explainHint(of)} --category data-world`,
    }),
  );
}

function overForecast(of: LookedCycle, one: SubscriptionUsage, levelsEur: readonly string[], endE8: bigint): Holding[] {
  // what is reached already is no forecast any more
  const coming = levelsEur.filter((level) => endE8 >= amountOf(level) && BigInt(one.amountE8) < amountOf(level));
  return coming.map((level) =>
    aboutSubscription(of, 'usage.forecast', one, {
      level: `${level} EUR`,
      severity: 'info',
      message: `${nameOf(of, one)} used ${euros(one.amountE8)} beyond its bundles until ${of.publishedOn}; if it goes on so, it will be ${euros(endE8 - (endE8 % centE8))} at the end of cycle ${of.cycleStart}, which is ${level} EUR or more`,
    }),
  );
}

/** Cycles of one customer that begin in the month of this one, whatever day each contract's begin on. */
const usageOfCustomer = `
  select coalesce(sum(u.amount_e8), 0)::bigint as "amountE8", to_char(date_trunc('month', $2::date), 'YYYY-MM-DD') as month
  from total_usage u join total_generation g using (contract_id, cycle_start, generation)
  where g.state = 'current' and g.contract_id in (select id from contract where customer_id = $1)
    and g.cycle_start >= date_trunc('month', $2::date) and g.cycle_start < date_trunc('month', $2::date) + interval '1 month'
    and u.category <> all ($3)`;

export async function customerHoldings(
  session: Pick<ReadSession, 'query'>,
  of: LookedCycle,
  params: RuleParams['usage.out-of-bundle-customer'] | undefined,
): Promise<{ month: string; holdings: Holding[] }> {
  const [row] = await session.query<{ amountE8: string; month: string }>(usageOfCustomer, [
    of.customerId,
    of.cycleStart,
    statedCategories,
  ]);
  const { amountE8, month } = row!;
  const reached = params?.levelsEur.filter((level) => BigInt(amountE8) >= amountOf(level)) ?? [];
  const holdings = reached.map(
    (level): Holding => ({
      type: 'usage.out-of-bundle-customer',
      subject: of.customer,
      period: month,
      level: `${level} EUR`,
      severity: 'warning',
      message: `customer ${of.customer} used ${euros(amountE8)} beyond its bundles in the cycles that began in ${month.slice(0, 7)}, which is ${level} EUR or more; look with: linekeeper totals show --customer ${of.customer}`,
      customerId: of.customerId,
      contractId: null,
    }),
  );
  return { month, holdings };
}

function least(values: readonly bigint[]): string {
  let smallest = nobody;
  for (const value of values) if (value < smallest) smallest = value;
  return smallest.toString();
}

export function amountOf(levelEur: string): bigint {
  return BigInt(parseAmountE8(levelEur));
}

function octetsOf(levelMb: number): bigint {
  return BigInt(levelMb) * octetsPerMb;
}

export function euros(amountE8: string | bigint): string {
  return `${formatAmountE8(BigInt(amountE8))} EUR`;
}

export function explainHint(of: LookedCycle): string {
  return `look with: linekeeper totals explain --customer ${of.customer} --cycle ${of.cycleStart}`;
}
