/** `usage.allowance` and `usage.fair-use`: how much of each allowance the rating behind the current totals took. */
import type { ReadSession } from '../database/session.ts';
import type { Holding } from './holding.ts';
import { aboutContract, aboutSubscription, contractName, type LookedCycle, nameOf } from './looked-cycle.ts';
import type { RuleParams, RuleType } from './rule-types.ts';

/** Those that came to the least percentage that a rule asks for: `$4` of the amount, `$5` of fair use. */
const usedAllowances = `
  select a.name, u.msisdn, s.id as subscription, u.amount, u.used, u.fair_use_limit as "fairUseLimit", u.fair_use_used as "fairUseUsed"
  from allowance_usage u join allowance a on a.id = u.allowance_id
  left join subscription s on s.contract_id = u.contract_id and s.msisdn = u.msisdn
  where u.contract_id = $1 and u.cycle_start = $2::date and u.rating_run_id = $3
    and (u.used * 100 >= u.amount * $4::bigint or u.fair_use_used * 100 >= u.fair_use_limit * $5::bigint)
  order by a.name, u.msisdn`;

interface UsedAllowance {
  readonly name: string;
  /** Empty when all subscriptions of the contract share it. */
  readonly msisdn: string;
  readonly subscription: string | null;
  readonly amount: string;
  readonly used: string;
  /** Octets; null without such a limit, and 0 of a bundle that costs nothing, whose use in the EU is not in it. */
  readonly fairUseLimit: string | null;
  readonly fairUseUsed: string;
}

/** No usage comes to so many percent. */
const never = 1_000_000;

export async function allowanceHoldings(
  session: Pick<ReadSession, 'query'>,
  of: LookedCycle,
  rules: {
    readonly allowance: RuleParams['usage.allowance'] | undefined;
    readonly fairUse: RuleParams['usage.fair-use'] | undefined;
  },
): Promise<Holding[]> {
  const least = (rule: { percents: readonly number[] } | undefined) => Math.min(never, ...(rule?.percents ?? []));
  const where = [of.contractId, of.cycleStart, of.ratingRunId, least(rules.allowance), least(rules.fairUse)];
  const rows = await session.query<UsedAllowance>(usedAllowances, where);
  return rows.flatMap((row) => [
    ...reached(rules.allowance, row.used, row.amount).map((percent) =>
      holding(of, row, 'usage.allowance', percent, `is used to ${percentOf(row.used, row.amount)}`),
    ),
    ...reached(rules.fairUse, row.fairUseUsed, row.fairUseLimit).map((percent) => {
      const part = percentOf(row.fairUseUsed, row.fairUseLimit!);
      return holding(of, row, 'usage.fair-use', percent, `is used in the EU to ${part} of its fair-use volume`);
    }),
  ]);
}

function reached(rule: { percents: readonly number[] } | undefined, used: string, of: string | null): number[] {
  if (rule === undefined || of === null || of === '0') return [];
  return rule.percents.filter((percent) => BigInt(used) * 100n >= BigInt(of) * BigInt(percent));
}

function holding(of: LookedCycle, row: UsedAllowance, type: RuleType, percent: number, is: string): Holding {
  const shared = row.msisdn === '';
  const whose = shared ? contractName(of) : nameOf(of, row);
  const found = {
    level: `${percent} %`,
    severity: 'warning',
    message: `allowance ${row.name} of ${whose} ${is} in cycle ${of.cycleStart}, which is ${percent} % or more`,
  } as const;
  const about = shared ? aboutContract(of, type, found) : aboutSubscription(of, type, row, found);
  return { ...about, subject: `${about.subject} allowance ${row.name}` };
}

function percentOf(used: string, of: string): string {
  return `${(BigInt(used) * 100n) / BigInt(of)} %`;
}
