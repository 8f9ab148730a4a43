/** The cycle whose current totals the rules look at, and how its alerts name things. */
import type { ReadSession } from '../database/session.ts';
import { maskNumber } from '../log/mask.ts';
import type { Holding } from './holding.ts';
import type { RuleType } from './rule-types.ts';

export interface LookedCycle {
  readonly customerId: string;
  readonly customer: string;
  readonly contractId: string;
  readonly provider: string;
  readonly account: string;
  /** First local date, and first local date of the next cycle. */
  readonly cycleStart: string;
  readonly cycleEnd: string;
  readonly generation: number;
  readonly ratingRunId: string;
  /** Local date on which this generation was built. */
  readonly publishedOn: string;
  /** Whether the cycle had ended by then. */
  readonly whole: boolean;
}

const currentCycle = `
  select c.id as "customerId", c.code as customer, k.id as "contractId", k.provider, k.account_no as account,
    to_char(y.cycle_start, 'YYYY-MM-DD') as "cycleStart", to_char(y.cycle_end, 'YYYY-MM-DD') as "cycleEnd",
    g.generation, g.rating_run_id as "ratingRunId", to_char(g.created_at at time zone k.time_zone, 'YYYY-MM-DD') as "publishedOn",
    g.created_at >= y.ends_at or y.state in ('closed', 'adjusted') as whole
  from total_generation g join cycle y using (contract_id, cycle_start)
  join contract k on k.id = g.contract_id join customer c on c.id = k.customer_id
  where g.contract_id = $1 and g.cycle_start = $2::date and g.state = 'current'`;

/** Null when nothing is published. */
export async function readLookedCycle(
  session: Pick<ReadSession, 'query'>,
  contractId: string,
  cycleStart: string,
): Promise<LookedCycle | null> {
  return (await session.query<LookedCycle>(currentCycle, [contractId, cycleStart]))[0] ?? null;
}

/** Amounts that a provider states itself: no usage, and no bundle covers them. */
export const statedCategories = ['recurring', 'oneoff', 'credit'] as const;

export interface SubscriptionRef {
  /** Null when no row names the number; then its masked form must do. */
  readonly subscription: string | null;
  readonly msisdn: string;
}

type Found = Pick<Holding, 'level' | 'severity' | 'message'>;

export function aboutSubscription(of: LookedCycle, type: RuleType, who: SubscriptionRef, found: Found): Holding {
  const subject = `${contractName(of)} subscription ${who.subscription ?? maskNumber(who.msisdn)}`;
  return { type, subject, period: of.cycleStart, customerId: of.customerId, contractId: of.contractId, ...found };
}

export function aboutContract(of: LookedCycle, type: RuleType, found: Found): Holding {
  const { customerId, contractId } = of;
  return { type, subject: contractName(of), period: of.cycleStart, customerId, contractId, ...found };
}

export function contractName({
  customer,
  provider,
  account,
}: Pick<LookedCycle, 'customer' | 'provider' | 'account'>): string {
  return `${customer}/${provider}/${account}`;
}

/** For messages: `subscription 3161234**** of C001/KPN/0000000101`. */
export function nameOf(of: LookedCycle, who: SubscriptionRef): string {
  return `subscription ${maskNumber(who.msisdn)} of ${contractName(of)}`;
}
