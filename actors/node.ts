/** Every child of one node, wired to its resources. `actors/tree.ts` puts them in order. */
import { hostname } from 'node:os';
import { openAdmin } from '../src/admin/open-admin.ts';
import { createEngine, type Engine } from '../src/chains/engine.ts';
import { createEnqueue } from '../src/chains/enqueue.ts';
import { createRegistry } from '../src/chains/registry.ts';
import { stopPointsFromEnvironment } from '../src/chains/stop-points.ts';
import { openComputePool } from '../src/compute/open-pool.ts';
import type { Ownership } from '../src/database/embedded/ownership.ts';
import { startEmbedded } from '../src/database/embedded/server.ts';
import { ownRelease } from '../src/database/release.ts';
import { ownSchema } from '../src/database/schema-range.ts';
import { chainDefinitions } from '../src/node/definitions.ts';
import { isUnsuitable, keepLogPartitions, prepareDatabase } from '../src/node/prepare.ts';
import { whenPrepared } from '../src/node/prepared-database.ts';
import type { Resources } from '../src/node/resources.ts';
import { nodeName } from '../src/process/boot-watch.ts';
import { knownSyncTypes, type RoutingDecision } from '../src/providers/registry.ts';
import type { ProviderSession } from '../src/providers/session.ts';
import type { EnqueueChain } from '../src/providers/sync-task.ts';
import type { ServiceManager } from '../src/release/notify.ts';
import { fireDue } from '../src/schedule/fire.ts';
import { adminServices } from '../src/services/admin-services.ts';
import type { ServiceContext } from '../src/services/context.ts';
import { findFaults, openFindings } from '../src/services/findings.ts';
import { type LiveNode, liveNodes } from '../src/services/nodes.ts';
import { countOpenChains } from '../src/services/open-chains.ts';
import { ask, type Root } from '../supervisors/tree.ts';
import type { Reply } from '../supervisors/types.ts';
import { admin } from './admin.ts';
import { type AuditorState, auditor } from './auditor.ts';
import { compute } from './compute.ts';
import { database } from './database.ts';
import { type EngineHolder, engine } from './engine.ts';
import { postgres } from './postgres.ts';
import { type ProviderMessage, provider, providerId } from './provider.ts';
import { recycler } from './recycler.ts';
import { type ReleaseGuardServices, releaseGuard } from './release-guard.ts';
import { type RouterMessage, router } from './router.ts';
import { scheduler } from './scheduler.ts';
import type { TreeParts } from './tree.ts';
import { watchdog } from './watchdog.ts';

export interface NodeEnds {
  /** Only a person can mend it: exit code 78. */
  readonly onUnsuitable: (error: Error) => void;
  /** A dependency stayed away for too long: exit code 70. */
  readonly onGiveUp: (error: Error) => void;
  /** The node has lived long enough: exit code 75. */
  readonly onRecycle: (why: string) => void;
  /** How long running steps may take to end, once a stop has begun. */
  readonly drainMs: () => number;
}

const askDeadlineMs = 5_000;
const schedulerIntervalMs = 1_000;
const auditIntervalMs = 10_000;
const recycleIntervalMs = 1_000;
const releaseIntervalMs = 2_000;
/** The log's partitions are made three days ahead. */
const maintainEveryMs = 3_600_000;

/** `started` resolves to the tree once it stands; steps that ask actors wait for it. */
export function nodeParts(
  resources: Resources,
  ownership: Ownership,
  started: Promise<Root>,
  ends: NodeEnds,
  manager: ServiceManager,
  openReleaseGuard: ReleaseGuardServices['open'],
): TreeParts & { readonly context: ServiceContext; readonly holder: EngineHolder } {
  const { alerts, availability, config, database: db, env, log, signals, working } = resources;
  const holder: EngineHolder = { current: null };
  let audited: AuditorState | null = null;
  let nodes: readonly LiveNode[] = [];
  // read now: the release's directory may be gone when the engine is restarted
  const schema = ownSchema();

  const route = async (syncType: string): Promise<RoutingDecision> => {
    const ref = (await started).ref<RouterMessage>('work/providers/router');
    return ask(ref, (reply): RouterMessage => ({ type: 'route', syncType, reply }), { deadlineMs: askDeadlineMs });
  };
  const acquireSession = async (syncType: string): Promise<ProviderSession | null> => {
    const ref = (await started).ref<ProviderMessage>(`work/providers/${providerId(syncType)}`);
    let waiting = true;
    const question = (reply: Reply<ProviderSession | null>): ProviderMessage => ({
      type: 'acquire',
      // an answer that comes after the wait was given up holds a session that nobody would give back
      reply: (session) => (waiting ? reply(session) : session?.release('ok')),
    });
    try {
      return await ask(ref, question, { deadlineMs: askDeadlineMs });
    } finally {
      waiting = false;
    }
  };
  // a chain may open chains: its services know `enqueue` before the registry that it checks names against is there
  const enqueueChain: EnqueueChain = async (tx, chain, input, options) =>
    (await enqueue(tx, chain, input, { ...options, unknown: 'block' })).chainId;
  const definitions = chainDefinitions(resources, { route, acquireSession }, enqueueChain);
  const enqueue = createEnqueue({ registry: createRegistry(definitions), signals });

  const context: ServiceContext = {
    database: whenPrepared(db, resources.isPrepared),
    availability,
    hosts: resources.hosts.view,
    isPrepared: resources.isPrepared,
    alerts,
    compute: resources.compute,
    definitions,
    enqueue,
    engine: () => holder.current,
    route,
    wake: () => holder.current?.wake(),
    findings: () =>
      audited?.lastLookMs == null
        ? null
        : { lookedMsAgo: performance.now() - audited.lastLookMs, list: audited.findings },
    release: ownRelease(),
    nodes: () => nodes,
    startedAt: new Date(),
  };
  let tree: Root | null = null;
  void started.then((root) => {
    tree = root;
  });
  const door = {
    snapshot: () => standing(tree).snapshot(),
    control: (path: string, message: unknown) => standing(tree).control(path, message),
  };

  const create = (): Engine =>
    createEngine({
      open: resources.openEngineDatabase,
      definitions,
      signals,
      log,
      clock: { monotonicMs: () => performance.now() },
      random: Math.random,
      nodeInfo: { host: hostname(), pid: process.pid, release: context.release, schema },
      alerts,
      availability: working,
      onMoved: resources.hosts.onMoved,
      lanes: config.chains.lanes,
      leaseMs: config.chains.leaseMs,
      beatMs: config.chains.beatMs,
      sweepMs: config.chains.sweepMs,
      stepDeadlineMs: config.chains.stepDeadlineMs,
      spoolRoot: resources.spoolDirectory,
      stopPoints: stopPointsFromEnvironment(env),
    });

  const embedded = postgres({
    start: () => startEmbedded({ stateDirectory: config.stateDirectory, ownership, log }),
    onStarted: resources.useDatabase,
  });
  return {
    context,
    holder,
    observability: [
      admin(() =>
        openAdmin({
          socketPath: config.admin.socket,
          descriptor: manager.adminSocket?.(),
          services: adminServices(context, door, process.pid),
          log,
        }),
      ),
    ],
    infrastructure: [
      ...(config.database.url === undefined ? [embedded] : []),
      database({
        availability,
        prepare: () => prepareDatabase(resources),
        maintain: () => keepLogPartitions(resources),
        maintainEveryMs,
        onPrepared: resources.markPrepared,
        onMoved: resources.hosts.onMoved,
        hosts: resources.hosts.view,
        isUnsuitable,
        ...ends,
        alerts,
        giveUpMs: config.dependencyGiveUpMs,
        nowMs: () => performance.now(),
      }),
      compute(
        () =>
          openComputePool({
            threads: config.compute.threads,
            maxOldGenerationMb: config.compute.taskMemoryMb,
            tasksPerThread: config.compute.tasksPerThread,
            threadAgeMs: config.compute.threadAgeMs,
            ...(config.compute.threadHeapMb === undefined ? {} : { threadHeapMb: config.compute.threadHeapMb }),
          }),
        resources.compute,
      ),
    ],
    chains: [engine({ create, holder, drainMs: ends.drainMs })],
    providers: [
      router({ log, syncTypes: knownSyncTypes }),
      ...knownSyncTypes.map((entry) => provider({ entry, maxSessions: config.providers.sftp.maxSessions })),
    ],
    scheduler: scheduler({
      fireDue: async () => {
        const { slots, errors } = await fireDue(db, { enqueue });
        for (const { schedule, error } of errors) log.error({ schedule, error }, 'a schedule could not fire');
        for (const slot of slots) log.info({ ...slot }, `schedule slot ${slot.result}`);
        signals.publish(...slots.flatMap((slot) => slot.chainId ?? []));
        return slots.length;
      },
      availability: working,
      intervalMs: schedulerIntervalMs,
    }),
    guardians: [
      auditor({
        find: async () => {
          nodes = await liveNodes(db);
          return findFaults(db);
        },
        openFindings: () => openFindings(db),
        report: (state) => {
          audited = state;
        },
        alerts,
        availability: working,
        intervalMs: auditIntervalMs,
        nowMs: () => performance.now(),
      }),
      watchdog({
        manager,
        started,
        availability,
        isPrepared: resources.isPrepared,
        engine: () => holder.current?.status() ?? null,
        alerts,
        countOpen: () => countOpenChains(db, working, log),
        log,
        nowMs: () => performance.now(),
        wallClock: () => new Date(),
      }),
      recycler({
        limits: config.recycle,
        chains: () => holder.current?.status().carried ?? 0,
        uptimeMs: () => performance.now(),
        memoryMb: () => process.memoryUsage.rss() / 2 ** 20,
        onRecycle: ends.onRecycle,
        intervalMs: recycleIntervalMs,
      }),
      releaseGuard({
        open: openReleaseGuard,
        onMoved: ends.onRecycle,
        onDeleted: ends.onGiveUp,
        alerts,
        node: () => nodeName(config.stateDirectory),
        log,
        intervalMs: releaseIntervalMs,
      }),
    ],
  };
}

function standing(tree: Root | null): Root {
  if (!tree) throw new Error('the tree is still starting; ask again in a moment');
  return tree;
}
