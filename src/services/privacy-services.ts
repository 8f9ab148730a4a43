/** What the doors can ask for about what is kept. */
import type { By } from '../admin/services.ts';
import type { ErasedView } from '../admin/views.ts';
import { type EraseRequest, eraseSubscription } from '../privacy/erase.ts';
import { exportSubscription, type SubscriptionExport } from '../privacy/export.ts';
import { foreseePurge, type Purged, purgeNow } from '../privacy/purge.ts';
import type { ServiceContext } from './context.ts';
import { openRecalculation } from './recalculations.ts';

type Context = Pick<ServiceContext, 'database' | 'archive' | 'enqueue' | 'wake'>;

export function privacyServices({ database, archive, enqueue, wake }: Context) {
  return {
    purge: ({ dryRun }: By & { dryRun: boolean }): Promise<Purged> =>
      dryRun ? database.read((session) => foreseePurge(session)) : purgeNow(database, archive),
    /** What is not closed is calculated again: a contract that ended has no sync that would. */
    async eraseSubscription(request: EraseRequest): Promise<ErasedView> {
      const { customer, by } = request;
      const done = await database.transaction(async (tx) => {
        const { erased, touched } = await eraseSubscription(tx, request);
        const chains: string[] = [];
        for (const cycle of touched) chains.push(await openRecalculation(tx, enqueue, { ...cycle, customer, by }));
        return { ...erased, chains };
      });
      wake(...done.chains);
      return done;
    },
    exportSubscription: ({ customer, msisdn }: { customer: string; msisdn: string }): Promise<SubscriptionExport> =>
      database.read((session) => exportSubscription(session, customer, msisdn)),
  };
}
