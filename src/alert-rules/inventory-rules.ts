/**
 * Rules over what is known of a contract's subscriptions. One alert for a contract and cycle, whose level is how many they are:
 * one more is another alert, and the list itself is `linekeeper subscription list`.
 */
import { unusedSubscriptions } from '../customers/unused.ts';
import type { ReadSession } from '../database/session.ts';
import type { Holding } from './holding.ts';
import { aboutContract, contractName, type LookedCycle } from './looked-cycle.ts';
import type { RuleParams } from './rule-types.ts';

const unknownNumbers = `
  select count(*)::int as count from subscription s
  where s.contract_id = $1 and s.source = 'discovered' and exists (
    select from total_usage u
    where u.contract_id = $1 and u.cycle_start = $2::date and u.generation = $3 and u.msisdn = s.msisdn)`;

const unusedNumbers = `with ${unusedSubscriptions} select count(*)::int as count from unused`;

export async function inventoryHoldings(
  session: Pick<ReadSession, 'query'>,
  of: LookedCycle,
  rules: {
    readonly unknown: RuleParams['subscription.unknown'] | undefined;
    readonly zeroUsage: RuleParams['subscription.zero-usage'] | undefined;
  },
): Promise<Holding[]> {
  const holdings: Holding[] = [];
  const countOf = async (statement: string, values: readonly unknown[]) =>
    (await session.query<{ count: number }>(statement, values))[0]!.count;
  if (rules.unknown) {
    const count = await countOf(unknownNumbers, [of.contractId, of.cycleStart, of.generation]);
    if (count > 0) {
      const message = `${count} subscriptions that no customers document names have records in cycle ${of.cycleStart} of ${contractName(of)}; list them with: linekeeper subscription list --customer ${of.customer} --discovered`;
      holdings.push(
        aboutContract(of, 'subscription.unknown', { level: `${count} numbers`, severity: 'warning', message }),
      );
    }
  }
  // a cycle that has not ended may still be used
  if (rules.zeroUsage && of.whole) {
    const { cycles } = rules.zeroUsage;
    const count = await countOf(unusedNumbers, [of.contractId, of.cycleStart, cycles]);
    if (count > 0) {
      const message = `${count} subscriptions of ${contractName(of)} had no usage in ${cycles} cycles up to ${of.cycleStart}; list them with: linekeeper subscription list --customer ${of.customer} --unused ${cycles}`;
      holdings.push(
        aboutContract(of, 'subscription.zero-usage', { level: `${count} numbers`, severity: 'info', message }),
      );
    }
  }
  return holdings;
}
