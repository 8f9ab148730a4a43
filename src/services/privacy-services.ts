/** What the doors can ask for about what is kept. */
import type { By } from '../admin/services.ts';
import { type Erased, type EraseRequest, eraseSubscription } from '../privacy/erase.ts';
import { exportSubscription, type SubscriptionExport } from '../privacy/export.ts';
import { foreseePurge, type Purged, purgeNow } from '../privacy/purge.ts';
import type { ServiceContext } from './context.ts';

export function privacyServices({ database, archive }: Pick<ServiceContext, 'database' | 'archive'>) {
  return {
    purge: ({ dryRun }: By & { dryRun: boolean }): Promise<Purged> =>
      dryRun ? database.read((session) => foreseePurge(session)) : purgeNow(database, archive),
    eraseSubscription: (request: EraseRequest): Promise<Erased> =>
      database.transaction((tx) => eraseSubscription(tx, request)),
    exportSubscription: ({ customer, msisdn }: { customer: string; msisdn: string }): Promise<SubscriptionExport> =>
      database.read((session) => exportSubscription(session, customer, msisdn)),
  };
}
