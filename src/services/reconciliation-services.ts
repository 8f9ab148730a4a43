/** Invoices and reconciliations as the doors load, show, run and decide them. */
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { DisputeView, FindingDecidedView } from '../admin/views.ts';
import { decide, disputeAllOpen } from '../reconciliation/decide.ts';
import { endDifference, tellDifference } from '../reconciliation/difference-alert.ts';
import type { FindingState } from '../reconciliation/finding.ts';
import { type InvoiceDetailView, type InvoiceView, listInvoices, showInvoice } from '../reconciliation/invoices.ts';
import { type LoadedInvoice, type LoadInvoice, loadInvoice } from '../reconciliation/load-invoice.ts';
import { cyclesToReconcile, lockReconciliation, reconcileCycle, type WhichCycles } from '../reconciliation/run.ts';
import { currentReconciliations, type ReconciliationView, type WhichReconciliations } from '../reconciliation/show.ts';
import type { ServiceContext } from './context.ts';

const accountsOfCustomer = `
  select array(select k.account_no from contract k where k.customer_id = c.id order by 1) as accounts from customer c where c.code = $1`;

export function reconciliationServices({ alerts, database }: ServiceContext) {
  async function requireCustomer({ customer, account }: { customer: string; account?: string }): Promise<void> {
    const [known] = await database.query<{ accounts: readonly string[] }>(accountsOfCustomer, [customer]);
    if (!known) throw new ServiceError('not-found', `no customer has the code ${customer}`);
    const { accounts } = known;
    if (account === undefined || accounts.includes(account.padStart(10, '0'))) return;
    const have = accounts.join(', ') || 'none';
    throw new ServiceError('not-found', `customer ${customer} has no account ${account}; its accounts: ${have}`);
  }

  async function shown(which: WhichReconciliations): Promise<readonly ReconciliationView[]> {
    const views = await database.read((session) => currentReconciliations(session, which));
    if (views.length > 0 || which.cycle === undefined) return views;
    await requireCustomer(which);
    throw new ServiceError(
      'not-found',
      `customer ${which.customer} has no reconciliation of cycle ${which.cycle}; make one: linekeeper reconcile run --customer ${which.customer} --cycle ${which.cycle}`,
    );
  }

  return {
    async loadInvoice(request: LoadInvoice): Promise<LoadedInvoice> {
      const loaded = await database.transaction((tx) => loadInvoice(tx, request));
      const { customer, account, ended } = loaded;
      if (ended !== undefined) endDifference(alerts, { customer, account, cycleStart: ended });
      return loaded;
    },

    async invoices(query: { customer: string; account?: string; limit: number }): Promise<readonly InvoiceView[]> {
      await requireCustomer(query);
      return database.read((session) => listInvoices(session, query));
    },

    async invoice(query: {
      customer: string;
      account?: string;
      number: string;
    }): Promise<readonly InvoiceDetailView[]> {
      const found = await database.read((session) => showInvoice(session, query));
      if (found.length > 0) return found;
      await requireCustomer(query);
      throw new ServiceError(
        'not-found',
        `customer ${query.customer} has no invoice ${query.number}; see: linekeeper invoice list --customer ${query.customer}`,
      );
    },

    async runReconciliation({ by, ...which }: By & WhichCycles): Promise<readonly ReconciliationView[]> {
      await requireCustomer(which);
      const made = await database.transaction(async (tx) => {
        await lockReconciliation(tx, which.customer);
        const cycles = await cyclesToReconcile(tx, which);
        const ids: string[] = [];
        for (const cycle of cycles) ids.push(await reconcileCycle(tx, cycle, by));
        const all = await currentReconciliations(tx, { customer: which.customer, findings: true });
        return all.filter((view) => ids.includes(view.id));
      });
      for (const view of made) tellDifference(alerts, view);
      return made;
    },

    async reconciliations(which: WhichReconciliations): Promise<readonly ReconciliationView[]> {
      await requireCustomer(which);
      return shown(which);
    },

    async decideFinding(request: By & { id: string; state: FindingState; why: string }): Promise<FindingDecidedView> {
      const { contractId, ...decided } = await database.transaction((tx) => decide(tx, request));
      await tellAgain(decided.customer, decided.cycleStart);
      return decided;
    },

    async dispute({
      by,
      why,
      ...which
    }: By & { customer: string; account?: string; cycle: string; why: string }): Promise<DisputeView> {
      const before = await shown({ ...which, findings: false });
      const newly = await database.transaction(async (tx) => {
        let count = 0;
        for (const { id } of before) count += await disputeAllOpen(tx, id, by, why);
        return count;
      });
      await tellAgain(which.customer, which.cycle);
      return { newly, reconciliations: await shown({ ...which, state: 'disputed', findings: true }) };
    },
  };

  async function tellAgain(customer: string, cycle: string): Promise<void> {
    for (const view of await shown({ customer, cycle, findings: true })) tellDifference(alerts, view);
  }
}
