/** Everything behind the admin socket, in one piece. */
import type { ActorSnapshot, SendResult } from '../../supervisors/types.ts';
import { ServiceError } from '../admin/service-error.ts';
import type { AdminServices } from '../admin/services.ts';
import { chainServices } from './chain-services.ts';
import type { ServiceContext } from './context.ts';
import { cycleServices } from './cycle-services.ts';
import { health } from './health.ts';
import { importServices } from './import-services.ts';
import { inventoryServices } from './inventory-services.ts';
import { pauseServices } from './pause-services.ts';
import { previewServices } from './preview-services.ts';
import { privacyServices } from './privacy-services.ts';
import { reconciliationServices } from './reconciliation-services.ts';
import { reportServices } from './report-services.ts';
import { scheduleServices } from './schedule-services.ts';
import { suspenseServices } from './suspense-services.ts';
import { syncServices } from './sync-services.ts';
import { totalsServices } from './totals-services.ts';

/** The tree, as far as the doors may reach into it. */
export interface TreeDoor {
  snapshot(): ActorSnapshot;
  /** Throws what the target's `parse` throws, and for an unknown path. */
  control(path: string, message: unknown): SendResult;
}

export function adminServices(context: ServiceContext, tree: TreeDoor, pid: number): AdminServices {
  const { alerts, database } = context;
  return {
    health: async () => health(context, pid),
    tree: async () => tree.snapshot(),
    ...chainServices(context),
    ...pauseServices(context),
    ...scheduleServices(context),
    ...syncServices(context),
    ...importServices(context),
    ...totalsServices(context),
    ...reconciliationServices(context),
    ...inventoryServices(context),
    ...suspenseServices(context),
    ...reportServices(context),
    ...previewServices(context),
    ...cycleServices(context),
    ...privacyServices(context),
    alerts: (filter) => alerts.list(filter),
    testAlert: ({ by }) => alerts.test(by),
    async resolveAlert({ rule, subject }) {
      const open = (await alerts.list({ state: 'open', limit: 1_000 })).filter((alert) => alert.rule === rule);
      if (!open.some((alert) => alert.subject === subject)) {
        const subjects = open.map((alert) => JSON.stringify(alert.subject)).join(', ') || 'none';
        throw new ServiceError(
          'not-found',
          `no open alert ${rule} is about ${subject}; open of this rule: ${subjects}`,
        );
      }
      alerts.resolve(rule, subject);
      await alerts.flush(5_000);
    },
    async control({ path, message }) {
      try {
        return tree.control(path, message);
      } catch (error) {
        throw new ServiceError('refused', (error as Error).message, { cause: error });
      }
    },
    async record({ actor, action, subject, detail }) {
      await database.query('insert into audit (actor, action, subject, detail) values ($1, $2, $3, $4)', [
        actor,
        action,
        subject,
        JSON.stringify(detail),
      ]);
    },
  };
}
