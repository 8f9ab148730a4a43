/** `linekeeper subscription list` and `linekeeper alert-rule list`. */
import type { AlertRuleView, SubscriptionView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printTable, tellCut } from './print.ts';

export interface SubscriptionListOptions extends ServiceOptions {
  readonly customer?: string;
  readonly discovered?: boolean;
  readonly unused?: number;
  readonly numbers?: boolean;
  readonly limit: number;
}

export async function subscriptionList(io: CliIo, options: SubscriptionListOptions): Promise<number> {
  const client = await openClient(io, options);
  const { customer, discovered, unused, numbers, limit } = options;
  const query = { customer, discovered, unused, numbers, limit };
  const subscriptions = await client.get<readonly SubscriptionView[]>('/subscriptions', { query });
  tellCut(io, subscriptions, limit);
  if (options.json) {
    printJson(io, subscriptions);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'ID', of: (row) => row.id, right: true },
      { head: 'CUSTOMER', of: (row) => row.customer },
      { head: 'ACCOUNT', of: (row) => row.account },
      { head: 'SUBSCRIPTION', of: (row) => row.msisdn },
      { head: 'SOURCE', of: (row) => row.source },
      { head: 'COST CENTRE', of: (row) => row.costCentre ?? '' },
      { head: 'EMPLOYEE', of: (row) => row.employee ?? '' },
      { head: 'PRODUCT', of: (row) => row.productCode ?? '' },
      { head: 'SIM CARD', of: (row) => row.iccMasked ?? '' },
      { head: 'FROM', of: (row) => row.validFrom ?? '' },
      { head: 'UNTIL', of: (row) => row.validTo ?? '' },
      { head: 'FIRST SEEN', of: (row) => row.firstSeen ?? '' },
    ],
    subscriptions,
    'no subscriptions',
  );
  return exitCode.ok;
}

export async function alertRuleList(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const rules = await client.get<readonly AlertRuleView[]>('/alert-rules');
  if (options.json) {
    printJson(io, rules);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'TYPE', of: (rule) => rule.type },
      { head: 'SCOPE', of: (rule) => rule.scope },
      { head: 'ON', of: (rule) => (rule.enabled ? 'yes' : 'no') },
      { head: 'PARAMETERS', of: (rule) => paramsText(rule.params) },
    ],
    rules,
    'no rules',
  );
  return exitCode.ok;
}

function paramsText(params: AlertRuleView['params']): string {
  return Object.entries(params)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join('; ');
}
