/** What the doors can ask for about what is kept. */
import type { By } from '../admin/services.ts';
import { foreseePurge, type Purged, purgeNow } from '../privacy/purge.ts';
import type { ServiceContext } from './context.ts';

export function privacyServices({ database, archive }: Pick<ServiceContext, 'database' | 'archive'>) {
  return {
    purge: ({ dryRun }: By & { dryRun: boolean }): Promise<Purged> =>
      dryRun ? database.read((session) => foreseePurge(session)) : purgeNow(database, archive),
  };
}
