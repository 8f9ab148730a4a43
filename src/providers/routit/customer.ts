/**
 * One end customer's part of `rate` and `totals`, a chain of its own, so that a customer without a tariff, or one whose totals do
 * not add up, fails alone. `purchase` rates the changed cycles by the purchase tariff and compares every record with what the
 * provider asked for it; `rate` prices them for resale, by the contract's own tariff; `totals` publishes.
 */
import { z } from 'zod';
import { type ChainDefinition, chain, type Handler, type StepContext, succeeded } from '../../chains/define.ts';
import { rateCycle, readContractTariff, staleCycles } from '../../totals/rate-cycles.ts';
import { publishContract, rateStale } from '../../totals/steps.ts';
import { comparePurchase, type PurchaseCheck, storeCheck } from './purchase-check.ts';
import type { RoutItServices } from './services.ts';

const id = z.string().regex(/^[0-9]{1,19}$/, 'must be an id');

/** `resellerId`: the contract whose tariff is what the provider asks. */
export const customerInput = z.strictObject({ contractId: id, resellerId: id, syncTaskId: id });
export type CustomerInput = z.infer<typeof customerInput>;

export function routItCustomer(services: RoutItServices): ChainDefinition<CustomerInput> {
  const { compute, alerts } = services;
  return chain('routit-customer', customerInput)
    .step('purchase', checkPurchase(services))
    .step('rate', rateStale(compute, alerts))
    .step('totals', publishOne());
}

function publishOne(): Handler<CustomerInput> {
  return async ({ input: { contractId, syncTaskId } }) =>
    succeeded({
      commit: async (tx) => (await publishContract(tx, contractId, syncTaskId)).map((one) => ({ ...one })),
    });
}

function checkPurchase(services: RoutItServices): Handler<CustomerInput> {
  return async (context) => {
    const { read, input } = context;
    const cycles = await read.query<{ cycleStart: string; revision: string }>(staleCycles, [input.contractId]);
    if (cycles.length === 0) return succeeded();
    const { tariff } = await readContractTariff(read, input.resellerId);
    const { timeZone, about } = await readContractTariff(read, input.contractId);
    const checks: PurchaseCheck[] = [];
    for (const cycle of cycles) {
      const rated = await rateCycle(
        services.compute,
        context,
        input.contractId,
        cycle,
        tariff,
        timeZone,
        'no allowances',
      );
      checks.push(await comparePurchase(await context.spoolDirectory(), rated));
    }
    for (const check of checks) report(services, context, about, check);
    return succeeded({
      commit: async (tx) => {
        for (const check of checks) await storeCheck(tx, input.contractId, check);
      },
    });
  };
}

function report(
  { alerts }: RoutItServices,
  _context: StepContext<CustomerInput>,
  about: string,
  { cycleStart, records, differing, unpriced, statedE8, ownE8 }: PurchaseCheck,
): void {
  const subject = `${about}/${cycleStart}`;
  if (differing === 0) {
    alerts.resolve('routit.purchase-differs', subject);
    return;
  }
  alerts.raise({
    rule: 'routit.purchase-differs',
    subject,
    level: 'warning',
    message: `${differing} of ${records} records of cycle ${cycleStart} of ${about} were bought at another price than the purchase tariff's: the provider asks ${statedE8}, the tariff says ${ownE8} (1e-8 EUR, ${unpriced} records without a price left out)`,
  });
}
