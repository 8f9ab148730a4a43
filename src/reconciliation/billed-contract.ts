/** The contract that an invoice is for, and its cycles. */
import type { ReadSession } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { isoDate, parseIsoDate } from '../telecom/civil-date.ts';
import { cycleStartDay, nextCycleStartDay } from '../telecom/cycle.ts';

export interface BilledContract {
  readonly id: string;
  readonly account: string;
  readonly cycleDay: number;
}

const contractsOfCustomer = `
  select k.id, k.account_no as account, k.provider, k.cycle_day as "cycleDay"
  from contract k join customer c on c.id = k.customer_id where c.code = $1 order by k.account_no`;

/** Throws `InputError` when the customer has no such contract. */
export async function billedContract(
  session: Pick<ReadSession, 'query'>,
  of: { readonly customer: string; readonly provider: string; readonly account: string },
): Promise<BilledContract> {
  const account = of.account.padStart(10, '0');
  const known = await session.query<BilledContract & { provider: string }>(contractsOfCustomer, [of.customer]);
  const found = known.find((one) => one.provider === of.provider && one.account === account);
  if (found) return found;
  const have = known.map((one) => `${one.provider} ${one.account}`).join(', ') || 'none';
  throw new InputError(
    `customer ${of.customer} has no contract with ${of.provider} under account ${account}; its contracts: ${have}`,
  );
}

/** First day of the cycle that a period is exactly. Throws `InputError` that names the cycle nearest to it. */
export function cycleNamed(contract: BilledContract, period: { from: string; to: string }, key: string): string {
  const start = cycleStartDay(parseIsoDate(period.from), contract.cycleDay);
  const last = isoDate(nextCycleStartDay(start, contract.cycleDay) - 1);
  if (period.from === isoDate(start) && period.to === last) return period.from;
  throw new InputError(
    `${key} ${period.from} to ${period.to} is no cycle of account ${contract.account}, whose cycles begin on day ${contract.cycleDay}: its cycle there is ${isoDate(start)} to ${last}`,
  );
}

/** The last day of a cycle, inclusive. */
export function lastDayOf(contract: Pick<BilledContract, 'cycleDay'>, cycleStart: string): string {
  return isoDate(nextCycleStartDay(parseIsoDate(cycleStart), contract.cycleDay) - 1);
}
