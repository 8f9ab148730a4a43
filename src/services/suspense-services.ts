/** What waits for a contract or a subscription, as the doors show it. */
import type { SuspenseView } from '../admin/views.ts';
import { listSuspense } from '../providers/routit/suspense.ts';
import type { ServiceContext } from './context.ts';

export function suspenseServices({ database }: Pick<ServiceContext, 'database'>) {
  return {
    suspense: ({ limit }: { limit: number }): Promise<readonly SuspenseView[]> => listSuspense(database, limit),
  };
}
