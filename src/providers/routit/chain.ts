/**
 * `routit`: the six commands of a reseller's sync, and the two chains that they fan out to. discover > fetch (a chain for every
 * file) > stage > match > rate (a chain for every end customer) > totals.
 */
import { chain } from '../../chains/define.ts';
import type { AnyDefinition } from '../../chains/registry.ts';
import { limitsSpec } from '../spec/adapter.ts';
import { syncInput } from '../sync-input.ts';
import { routItCustomer } from './customer.ts';
import { discoverDeliveries } from './discover.ts';
import { fanOutFetches, routItFetch } from './fetch.ts';
import { matchDeliveries } from './match.ts';
import { fanOutCustomers } from './rate.ts';
import type { RoutItServices } from './services.ts';
import { stageDeliveries } from './stage.ts';
import { settleReseller } from './totals.ts';

/** Four downloads and an overview at once. */
export const routItLimits = limitsSpec.parse({ maxSessions: 5, breaker: { failures: 10, openMs: 30_000 } });

export function routItChains(services: RoutItServices): AnyDefinition[] {
  const routit = chain('routit', syncInput)
    .step('discover', discoverDeliveries(services))
    .step('fetch', fanOutFetches())
    .step('stage', stageDeliveries(services))
    .step('match', matchDeliveries(services))
    .step('rate', fanOutCustomers())
    .step('totals', settleReseller(services));
  return [routit, routItFetch(services), routItCustomer(services)];
}
