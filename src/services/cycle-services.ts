/** Cycles as the doors list, close and reopen them, and the totals that a person restores or decides about. */
import { ServiceError } from '../admin/service-error.ts';
import type { CycleDecision } from '../admin/services.ts';
import type { CycleChangedView, CycleView, TotalsChangedView, WaitingTotalsView } from '../admin/views.ts';
import type { Tx } from '../database/session.ts';
import { closeCycle } from '../totals/closing.ts';
import { reopenCycle } from '../totals/reopening.ts';
import { restoreGeneration } from '../totals/restore.ts';
import { decideReview, waitingGenerations } from '../totals/review.ts';
import { type CycleStanding, listCycles, whyNotClosed } from '../totals/standing.ts';
import type { ServiceContext } from './context.ts';
import { openRecalculation } from './recalculations.ts';

type WhichCycle = Pick<CycleDecision, 'customer' | 'cycle' | 'account'>;

export function cycleServices(context: Pick<ServiceContext, 'database' | 'enqueue' | 'wake'>) {
  const { database } = context;

  async function requireCustomer(customer: string): Promise<void> {
    const [known] = await database.query('select 1 from customer where code = $1', [customer]);
    if (!known) throw new ServiceError('not-found', `no customer has the code ${customer}`);
  }

  async function oneCycle(which: WhichCycle): Promise<CycleStanding> {
    const { customer, cycle, account } = which;
    const [found, another] = await listCycles(database, { customer, cycle, ...(account ? { account } : {}) });
    if (found && !another) return found;
    if (found && another) {
      const accounts = (await listCycles(database, { customer, cycle })).map((row) => row.account).join(', ');
      throw new ServiceError(
        'refused',
        `customer ${customer} has several accounts with a cycle ${cycle}: ${accounts}; name one with --account`,
      );
    }
    await requireCustomer(customer);
    const known = (await listCycles(database, { customer })).map((row) => `${row.account} ${row.cycleStart}`);
    const of = account === undefined ? customer : `${customer}, account ${account},`;
    throw new ServiceError(
      'not-found',
      `customer ${of} has no cycle that starts on ${cycle}; cycles: ${known.join(', ') || 'none yet'}`,
    );
  }

  /** The rows decide, behind the contract's lock; this only knows which contract is meant. */
  async function inCycle<T extends object>(
    which: WhichCycle,
    work: (tx: Tx, cycle: CycleStanding) => Promise<T>,
  ): Promise<T & CycleChangedView> {
    const cycle = await oneCycle(which);
    const done = await database.transaction((tx) => work(tx, cycle));
    const { customer, account, cycleStart } = cycle;
    return { customer, account, cycleStart, ...done };
  }

  return {
    async cycles({ customer }: { customer: string }): Promise<readonly CycleView[]> {
      const cycles = await listCycles(database, { customer });
      if (cycles.length === 0) await requireCustomer(customer);
      return cycles.map(({ contractId: _contract, ...cycle }) => ({
        ...cycle,
        waits: cycle.blocker === null || !cycle.due ? null : whyNotClosed(cycle),
      }));
    },

    closeCycle: ({ by, reason, ...which }: CycleDecision): Promise<CycleChangedView> =>
      inCycle(which, async (tx, { contractId, cycleStart }) => {
        await closeCycle(tx, contractId, cycleStart, { by, reason });
        return {};
      }),

    async reopenCycle({ by, reason, ...which }: CycleDecision) {
      const reopened = await inCycle(which, async (tx, { contractId, cycleStart, customer }) => {
        const { broughtHome, touched } = await reopenCycle(tx, contractId, cycleStart, { by, reason });
        const chains: string[] = [];
        for (const cycle of touched) {
          chains.push(await openRecalculation(tx, context.enqueue, { contractId, cycleStart: cycle, customer, by }));
        }
        return { broughtHome, chains };
      });
      context.wake(...reopened.chains);
      return reopened;
    },

    restoreTotals: ({
      by,
      reason,
      generation,
      ...which
    }: CycleDecision & { generation: number }): Promise<TotalsChangedView> =>
      inCycle(which, (tx, { contractId, cycleStart }) =>
        restoreGeneration(tx, contractId, cycleStart, generation, { by, reason }),
      ),

    async waitingTotals({ customer }: { customer?: string }): Promise<readonly WaitingTotalsView[]> {
      if (customer !== undefined) await requireCustomer(customer);
      const waiting = await waitingGenerations(database, customer ?? null);
      return waiting.map(({ contractId: _contract, ...one }) => one);
    },

    reviewTotals: ({ by, reason, verdict, ...which }: CycleDecision & { verdict: 'accept' | 'discard' }) =>
      inCycle(which, (tx, { contractId, cycleStart }) =>
        decideReview(tx, contractId, cycleStart, verdict, { by, reason }),
      ),
  };
}
