/** The chains of this release, with the services that their steps need. */
import type { AnyDefinition } from '../chains/registry.ts';
import { resolveSecret } from '../config/secret.ts';
import { kpnSp16 } from '../providers/kpn-sp16/chain.ts';
import { syncManager } from '../providers/open-due-syncs.ts';
import type { RoutingDecision } from '../providers/registry.ts';
import type { ProviderSession } from '../providers/session.ts';
import type { EnqueueChain } from '../providers/sync-task.ts';
import { openTransport } from '../providers/transports/open-transport.ts';
import { TransportError } from '../providers/transports/transport.ts';
import { cycleClosing } from '../totals/closing.ts';
import { recalculation } from '../totals/steps.ts';
import type { Resources } from './resources.ts';

/** What the chains ask of actors. */
export interface ActorDoors {
  readonly route: (syncType: string) => Promise<RoutingDecision>;
  readonly acquireSession: (syncType: string) => Promise<ProviderSession | null>;
}

export function chainDefinitions(resources: Resources, doors: ActorDoors, enqueue: EnqueueChain): AnyDefinition[] {
  const { alerts, archive, compute, env } = resources;
  return [
    syncManager({ route: doors.route, enqueue, alerts }),
    kpnSp16({
      archive,
      compute,
      alerts,
      openTransport: (description, signal) =>
        openTransport(
          description,
          (reference) => {
            try {
              return resolveSecret(reference, { ...env });
            } catch (error) {
              throw new TransportError('refused', (error as Error).message, { cause: error });
            }
          },
          signal,
        ),
      acquireSession: () => doors.acquireSession('KPN_SP16'),
    }),
    recalculation(compute, alerts),
    cycleClosing(),
  ];
}
