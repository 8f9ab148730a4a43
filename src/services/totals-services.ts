/** Totals as the doors show, explain and recalculate them, and the documents that they depend on. */
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { RecalculationView, TotalRowView, TotalsView } from '../admin/views.ts';
import { applyCustomers } from '../customers/apply.ts';
import { closedMessage, isClosed } from '../totals/cycles.ts';
import { explainTotals } from '../totals/explain.ts';
import { currentGenerations } from '../totals/generations.ts';
import { loadTariff } from '../totals/tariff-store.ts';
import { loadZoneSets } from '../totals/zone-store.ts';
import type { ServiceContext } from './context.ts';
import { openRecalculation } from './recalculations.ts';

const cyclesOfCustomer = `
  select k.id as "contractId", k.account_no as account, y.state from cycle y join contract k on k.id = y.contract_id
  join customer c on c.id = k.customer_id
  where c.code = $1 and y.cycle_start = $2::date and y.revision > 0 and ($3::text is null or k.account_no = $3) order by k.account_no`;

interface CycleOfAccount {
  readonly contractId: string;
  readonly account: string;
  readonly state: string;
}

/** One that is closed keeps nobody from the others: they are named, and so is the way to it. */
function refuseClosed(customer: string, cycle: string, found: readonly CycleOfAccount[]): void {
  const closed = found.find(({ state }) => isClosed(state));
  if (!closed) return;
  const open = found.filter(({ state }) => !isClosed(state)).map(({ account }) => account);
  const others = open.length === 0 ? '' : `; of what is open calculate one by --account: ${open.join(', ')}`;
  throw new ServiceError('conflict', `${closedMessage({ customer, cycle, account: closed.account })}${others}`);
}

const rowsOfGeneration = `
  select msisdn, category, records, unrated, usage_s as "usageS", usage_octets as "usageOctets", usage_count as "usageCount",
    amount_e8 as "amountE8", provider_amount_e8 as "providerAmountE8"
  from total_usage where contract_id = $1 and cycle_start = $2::date and generation = $3 order by msisdn, category`;

export function totalsServices(context: Pick<ServiceContext, 'database' | 'enqueue'>) {
  const { database } = context;

  async function requireCustomer(customer: string): Promise<void> {
    const [known] = await database.query('select 1 from customer where code = $1', [customer]);
    if (!known) throw new ServiceError('not-found', `no customer has the code ${customer}`);
  }

  async function noSuchCycle(customer: string, cycle: string, account?: string): Promise<ServiceError> {
    await requireCustomer(customer);
    const known = await currentGenerations(database, customer);
    const names = known.map((one) => (account === undefined ? one.cycleStart : `${one.account} ${one.cycleStart}`));
    const have = [...new Set(names)].join(', ') || 'none yet';
    const of = account === undefined ? customer : `${customer}, account ${account},`;
    return new ServiceError('not-found', `customer ${of} has no cycle that starts on ${cycle}; its cycles: ${have}`);
  }

  return {
    async recalculateTotals({
      by,
      customer,
      cycle,
      account: wanted,
    }: By & { customer: string; cycle: string; account?: string }): Promise<RecalculationView> {
      const key = [customer, cycle, wanted ?? null];
      const found = await database.query<CycleOfAccount>(cyclesOfCustomer, key);
      if (found.length === 0) throw await noSuchCycle(customer, cycle, wanted);
      refuseClosed(customer, cycle, found);
      const chains = [];
      for (const { contractId, account } of found) {
        const which = { contractId, cycleStart: cycle, customer, by };
        const chainId = await openRecalculation(database, context.enqueue, which);
        chains.push({ chainId, account, cycleStart: cycle });
      }
      return { chains };
    },

    async totals({ customer, cycle }: { customer: string; cycle?: string }): Promise<readonly TotalsView[]> {
      const generations = await currentGenerations(database, customer, cycle);
      if (generations.length === 0) {
        if (cycle !== undefined) throw await noSuchCycle(customer, cycle);
        await requireCustomer(customer);
      }
      const views: TotalsView[] = [];
      for (const { contractId, ...one } of generations) {
        const key = [contractId, one.cycleStart, one.generation];
        const rows = cycle === undefined ? [] : await database.query<TotalRowView>(rowsOfGeneration, key);
        views.push({ ...one, rows });
      }
      return views;
    },

    async explainTotals(query: { customer: string; cycle: string; msisdn?: string; category?: string; limit: number }) {
      await requireCustomer(query.customer);
      return database.read((session) => explainTotals(session, query));
    },

    async loadTariff({ document }: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>> {
      return { ...(await database.transaction((tx) => loadTariff(tx, document))) };
    },

    async loadZones({ document }: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>> {
      return { ...(await database.transaction((tx) => loadZoneSets(tx, document))) };
    },

    async applyCustomers({ document }: By & { document: unknown }): Promise<Readonly<Record<string, unknown>>> {
      return { ...(await database.transaction((tx) => applyCustomers(tx, document))) };
    },
  };
}
