/** Every child of one node, wired to its resources. `actors/tree.ts` puts them in order. */
import { openAdmin } from '../src/admin/open-admin.ts';
import { ServiceError } from '../src/admin/service-error.ts';
import { createEnqueue } from '../src/chains/enqueue.ts';
import { createRegistry } from '../src/chains/registry.ts';
import type { Ownership } from '../src/database/embedded/ownership.ts';
import { ownRelease } from '../src/database/release.ts';
import { chainDefinitions } from '../src/node/definitions.ts';
import { whenPrepared } from '../src/node/prepared-database.ts';
import type { Resources } from '../src/node/resources.ts';
import { syncTypesOf } from '../src/providers/registry.ts';
import type { EnqueueChain } from '../src/providers/sync-task.ts';
import type { ServiceManager } from '../src/release/notify.ts';
import { adminServices } from '../src/services/admin-services.ts';
import type { ServiceContext } from '../src/services/context.ts';
import type { Root } from '../supervisors/tree.ts';
import type { ChildSpec } from '../supervisors/types.ts';
import { admin } from './admin.ts';
import { createAsking } from './asking.ts';
import type { EngineHolder } from './engine.ts';
import { guardians } from './node-guardians.ts';
import { infrastructure } from './node-infrastructure.ts';
import { chains, providers, schedules } from './node-work.ts';
import type { ReleaseGuardServices } from './release-guard.ts';
import type { TreeParts } from './tree.ts';
import type { NodeEnds, NodeTask, Seen, Wiring } from './wiring.ts';

/** `started` resolves to the tree once it stands; steps that ask actors wait for it. */
export function nodeParts(
  resources: Resources,
  ownership: Ownership,
  started: Promise<Root>,
  ends: NodeEnds,
  manager: ServiceManager,
  task: NodeTask,
  openReleaseGuard: ReleaseGuardServices['open'],
): TreeParts & { readonly context: ServiceContext; readonly holder: EngineHolder } {
  const { availability, database: db, signals } = resources;
  const holder: EngineHolder = { current: null };
  const seen: Seen = { audited: null, nodes: [] };
  const asking = createAsking(started);
  // a chain may open chains: its services know `enqueue` before the registry that it checks names against is there
  const enqueueChain: EnqueueChain = async (tx, chain, input, options) =>
    (await enqueue(tx, chain, input, { ...options, unknown: 'block' })).chainId;
  const definitions = chainDefinitions(resources, asking, enqueueChain);
  const enqueue = createEnqueue({ registry: createRegistry(definitions), signals });

  const context: ServiceContext = {
    database: whenPrepared(db, resources.isPrepared),
    availability,
    hosts: resources.hosts.view,
    redis: resources.redis,
    archive: resources.archive,
    providers: resources.providers,
    isPrepared: resources.isPrepared,
    alerts: resources.alerts,
    compute: resources.compute,
    taskMemoryMb: resources.config.compute.taskMemoryMb,
    spoolDirectory: resources.spoolDirectory,
    log: resources.log,
    definitions,
    syncTypes: syncTypesOf(resources.providers.map(({ adapter }) => adapter)),
    enqueue,
    engine: () => holder.current,
    route: asking.route,
    wake: (...chainIds) => {
      holder.current?.wake();
      signals.publish(...chainIds);
    },
    findings: () =>
      seen.audited?.lastLookMs == null
        ? null
        : { lookedMsAgo: performance.now() - seen.audited.lastLookMs, list: seen.audited.findings },
    release: ownRelease(),
    nodes: () => seen.nodes,
    startedAt: new Date(),
  };
  const wiring: Wiring = {
    resources,
    ownership,
    started,
    ends,
    manager,
    task,
    openReleaseGuard,
    context,
    holder,
    seen,
  };
  const everything = task === 'everything';
  return {
    context,
    holder,
    observability: everything ? [door(wiring)] : [],
    infrastructure: infrastructure(wiring),
    providers: providers(wiring),
    chains: chains(wiring),
    scheduler: everything ? schedules(wiring) : [],
    guardians: guardians(wiring),
  };
}

function door({ resources, manager, context, started }: Wiring): ChildSpec {
  let tree: Root | null = null;
  void started.then((root) => {
    tree = root;
  });
  const control = {
    snapshot: () => standing(tree).snapshot(),
    control: (path: string, message: unknown) => standing(tree).control(path, message),
  };
  return admin(() =>
    openAdmin({
      socketPath: resources.config.admin.socket,
      descriptor: manager.adminSocket?.(),
      services: adminServices(context, control, process.pid),
      log: resources.log,
    }),
  );
}

function standing(tree: Root | null): Root {
  if (!tree) throw new ServiceError('unavailable', 'the service is still starting; ask again in a moment');
  return tree;
}
