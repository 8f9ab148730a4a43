/** Subscriptions and alert rules as the doors show and take them. */
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { AlertRuleView, SubscriptionView } from '../admin/views.ts';
import { readRules } from '../alert-rules/rule-rows.ts';
import { applyRules } from '../alert-rules/rules-document.ts';
import { type InventoryQuery, listSubscriptions } from '../customers/inventory.ts';
import type { ServiceContext } from './context.ts';

export function inventoryServices({ database }: Pick<ServiceContext, 'database'>) {
  return {
    async subscriptions(query: InventoryQuery): Promise<readonly SubscriptionView[]> {
      if (query.customer !== undefined) {
        const [known] = await database.query('select 1 from customer where code = $1', [query.customer]);
        if (!known) throw new ServiceError('not-found', `no customer has the code ${query.customer}`);
      }
      return database.read((session) => listSubscriptions(session, query));
    },
    alertRules: (): Promise<readonly AlertRuleView[]> => readRules(database),
    async applyAlertRules({ document }: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>> {
      return { ...(await database.transaction((tx) => applyRules(tx, document))) };
    },
  };
}
