/**
 * Every child of the primary, wired to its resources: the admin socket, the embedded PostgreSQL if there is no other, a
 * process for each node, and what watches them. `actors/primary.ts` puts them in order.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CrashWatch } from '../src/cluster/crash-watch.ts';
import { openDoor } from '../src/cluster/door.ts';
import { exchange } from '../src/cluster/exchange.ts';
import { nodeConfig, nodeDirectory } from '../src/cluster/node-config.ts';
import { type NodeProcess, startNode } from '../src/cluster/node-process.ts';
import type { PrimaryAlerts } from '../src/cluster/primary-alerts.ts';
import { clusterReport } from '../src/cluster/report.ts';
import type { Config } from '../src/config/schema.ts';
import type { Ownership } from '../src/database/embedded/ownership.ts';
import { startEmbedded } from '../src/database/embedded/server.ts';
import { ownRelease } from '../src/database/release.ts';
import type { Log } from '../src/log/log.ts';
import { openReleaseGuard } from '../src/node/release-guard.ts';
import { nodeName } from '../src/process/boot-watch.ts';
import type { ProcessEnd } from '../src/process/process-end.ts';
import type { ServiceManager } from '../src/release/notify.ts';
import type { ReleasePlace } from '../src/release/place.ts';
import { ask, type Root } from '../supervisors/tree.ts';
import type { Reply } from '../supervisors/types.ts';
import { admin } from './admin.ts';
import { postgres } from './postgres.ts';
import type { PrimaryParts } from './primary.ts';
import { nodeProcess, type ProcessMessage } from './process.ts';
import { processWatchdog } from './process-watchdog.ts';
import { releaseGuard } from './release-guard.ts';

export interface ClusterResources {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly configFile: string | undefined;
  readonly log: Log;
  readonly alerts: PrimaryAlerts;
  readonly crashes: CrashWatch;
  readonly ownership: Ownership;
  readonly manager: ServiceManager;
  readonly place: ReleasePlace;
  /** Aborts when the process is to end: a node that is starting then is not waited for. */
  readonly ending: AbortSignal;
  readonly end: (end: ProcessEnd) => void;
}

export interface Cluster {
  readonly parts: PrimaryParts;
  /** The node processes that are there. */
  nodes(): readonly NodeProcess[];
  /** One process after the other, the next when the one before is ready. A second call joins the first. */
  restartAll(why: string): Promise<readonly { index: number; pid: number }[]>;
}

const entry = join(import.meta.dirname, '../src/cli/main.ts');
/** An ordered stop of a node drains for 10 s and ends within 25. */
export const nodeStopMs = 25_000;
const restartMs = 180_000;
const guardIntervalMs = 2_000;

/** `started` resolves to the tree once it stands. */
export function clusterParts(resources: ClusterResources, started: Promise<Root>): Cluster {
  const { alerts, config, crashes, end, env, log, manager } = resources;
  const nowMs = () => performance.now();
  const nodes: (NodeProcess | null)[] = Array.from({ length: config.processes }, () => null);
  const present = () => nodes.filter((node) => node !== null);
  const proofMs = manager.watchdogMs === null ? config.watchdog.deadlineMs || null : manager.watchdogMs / 2;
  let embeddedUrl: string | null = null;
  let tree: Root | null = null;
  let turn = 0;
  void started.then((root) => {
    tree = root;
  });

  const hear = exchange({
    alerts: alerts.service,
    nodes: () => nodes,
    onWorking: alerts.markPrepared,
    onGiveUp: (why) => end({ code: 70, why, alerted: true }),
  });

  function processOf(index: number) {
    return nodeProcess({
      index,
      nowMs,
      stopMs: nodeStopMs,
      onUnsuitable: (error) => end({ code: 78, why: error.message, error }),
      onChange(process) {
        nodes[index - 1] = process;
        if (process) crashes.began(index);
      },
      start(signal) {
        const own = nodeConfig(config, index, embeddedUrl);
        mkdirSync(nodeDirectory(config, index), { recursive: true, mode: 0o711 });
        const alertWarnings = alerts.service.warnings();
        const order = { type: 'order', index, config: own, watchdogMs: proofMs, alertWarnings } as const;
        return startNode(
          { index, entry, env, socket: own.admin.socket, order, onMessage: (message) => hear(index, message), nowMs },
          AbortSignal.any([signal, resources.ending]),
        );
      },
    });
  }

  const restartAll = oneAtATime(async (why) => {
    const root = await started;
    const restarted: { index: number; pid: number }[] = [];
    for (let index = 1; index <= config.processes; index += 1) {
      const ref = root.ref<ProcessMessage>(`processes/process-${index}`);
      const question = (reply: Reply<number>): ProcessMessage => ({ type: 'restart', why, reply });
      restarted.push({ index, pid: await ask(ref, question, { deadlineMs: restartMs }) });
    }
    return restarted;
  });

  const door = {
    report: clusterReport({
      nodes: () => nodes,
      tree: () => tree?.snapshot() ?? null,
      release: ownRelease(),
      pid: process.pid,
      startedAt: new Date(),
      warnings: () => alerts.service.warnings(),
      nowMs,
    }),
    log,
    descriptor: () => manager.adminSocket?.(),
    restartAll,
    node: (index: number) => nodes[index - 1] ?? null,
    ready() {
      const ready = present().filter((node) => !node.isStopping());
      turn += 1;
      return ready.map((_, at) => ready[(at + turn) % ready.length]!);
    },
  };

  const databaseUrl = () => {
    if (embeddedUrl === null) throw new Error('the database has not been started yet');
    return embeddedUrl;
  };
  const embedded = postgres({
    start: () => startEmbedded({ stateDirectory: config.stateDirectory, ownership: resources.ownership, log }),
    onStarted(url) {
      embeddedUrl = url;
      alerts.useDatabase(url);
    },
  });
  return {
    nodes: present,
    restartAll,
    parts: {
      observability: [admin(() => openDoor(config.admin.socket, door))],
      infrastructure: config.database.url === undefined ? [embedded] : [],
      processes: nodes.map((_, at) => processOf(at + 1)),
      guardians: [
        processWatchdog({
          manager,
          started,
          processes: () => nodes,
          proofMs,
          stopMs: nodeStopMs + 5_000,
          log,
          nowMs,
        }),
        releaseGuard({
          open: (events) => openReleaseGuard({ ...resources, events, resources: { env, config, databaseUrl } }),
          onMoved: (why) => end({ code: 75, why }),
          onDeleted: (error) => end({ code: 70, why: error.message, error, alerted: true }),
          alerts: alerts.service,
          node: () => nodeName(config.stateDirectory),
          log,
          intervalMs: guardIntervalMs,
        }),
      ],
    },
  };
}

function oneAtATime<Answer>(work: (why: string) => Promise<Answer>): (why: string) => Promise<Answer> {
  let running: Promise<Answer> | null = null;
  return (why) => {
    running ??= work(why).finally(() => {
      running = null;
    });
    return running;
  };
}
