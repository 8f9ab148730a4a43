/** The chains of this release, with the services that their steps need. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { AnyDefinition } from '../chains/registry.ts';
import { resolveSecret, type SecretReference } from '../config/secret.ts';
import { purgeChain } from '../privacy/purge.ts';
import { buildChain, buildReplay } from '../providers/interpreter/build-chain.ts';
import type { InterpreterServices } from '../providers/interpreter/services.ts';
import { syncManager } from '../providers/open-due-syncs.ts';
import type { RoutingDecision } from '../providers/registry.ts';
import { routItChains } from '../providers/routit/chain.ts';
import type { SessionAnswer } from '../providers/session.ts';
import type { EnqueueChain } from '../providers/sync-task.ts';
import { openTransport } from '../providers/transports/open-transport.ts';
import { openRest } from '../providers/transports/rest.ts';
import { TransportError } from '../providers/transports/transport.ts';
import { cycleClosing } from '../totals/closing.ts';
import { recalculation } from '../totals/steps.ts';
import type { Resources } from './resources.ts';

/** What the chains ask of actors. */
export interface ActorDoors {
  readonly route: (syncType: string) => Promise<RoutingDecision>;
  readonly acquireSession: (syncType: string, credential: string | null) => Promise<SessionAnswer>;
}

export function chainDefinitions(resources: Resources, doors: ActorDoors, enqueue: EnqueueChain): AnyDefinition[] {
  const { alerts, archive, compute, env } = resources;
  const resolve = (reference: SecretReference) => {
    try {
      return resolveSecret(reference, { ...env });
    } catch (error) {
      throw new TransportError('refused', (error as Error).message, { cause: error });
    }
  };
  const services: Omit<InterpreterServices, 'acquireSession'> = {
    archive,
    compute,
    alerts,
    openTransport: (description, signal) => openTransport(description, resolve, signal),
    openRest: (description, spec, session, signal) =>
      openRest({
        ...{ description, spec, session, resolve, signal },
        readFile: readAuthority,
        nowMs: () => performance.now(),
        sleep: (ms, aborted) => delay(ms, undefined, { signal: aborted }),
      }),
  };
  return [
    syncManager({ route: doors.route, enqueue, alerts }),
    ...resources.providers.map(({ adapter }) =>
      buildChain(adapter, {
        ...services,
        acquireSession: (credential) => doors.acquireSession(adapter.syncType, credential),
      }),
    ),
    // pages of an API are read again from where they came
    ...resources.providers
      .filter(({ adapter }) => adapter.discover.kind === 'files')
      .map(({ adapter }) => buildReplay(adapter, { ...services, acquireSession: noSession })),
    ...routItChains({
      ...services,
      resolveSecret: resolve,
      acquireSession: (credential) => doors.acquireSession('ROUTIT', credential),
    }),
    recalculation(compute, alerts),
    cycleClosing(),
    purgeChain(archive),
  ];
}

/** A replay asks no provider. */
const noSession = () => Promise.reject(new Error('a replay has no session with its provider'));

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TransportError('refused', `caFile ${path} cannot be read (${code})`, { cause: error });
  }
}
