/** The process that a node starts for suspect chains: a node of its own places, one lane and nothing else to do. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { exchange } from '../cluster/exchange.ts';
import { type NodeProcess, startNode } from '../cluster/node-process.ts';
import type { Config } from '../config/schema.ts';
import type { Resources } from './resources.ts';

const entry = join(import.meta.dirname, '../cli/main.ts');

/** The node's configuration with places of its own below that one's, and its embedded database as a server. */
export function suspectConfig(config: Config, databaseUrl: string): Config {
  const stateDirectory = join(config.stateDirectory, 'suspects');
  return {
    ...config,
    processes: 1,
    stateDirectory,
    database: { ...config.database, url: config.database.url ?? databaseUrl },
    chains: { ...config.chains, lanes: 1 },
    compute: { ...config.compute, threads: 1 },
    admin: { socket: join(stateDirectory, 'admin.sock') },
    alerts: { ...config.alerts, file: join(stateDirectory, 'alerts.jsonl') },
    recycle: {},
    crashLoop: { ...config.crashLoop, baseMs: 0 },
  };
}

/** Resolves when it is ready; rejects, with no process left behind, when it ends before or the signal aborts. */
export async function startSuspectProcess(resources: Resources, signal: AbortSignal): Promise<NodeProcess> {
  const { alerts, env, log, signals } = resources;
  const config = suspectConfig(resources.config, resources.databaseUrl());
  mkdirSync(config.stateDirectory, { recursive: true, mode: 0o711 });
  let started: NodeProcess | null = null;
  const hear = exchange({ alerts, nodes: () => [started], onWorking() {}, onGiveUp() {} });
  started = await startNode(
    {
      index: 1,
      entry,
      env,
      socket: config.admin.socket,
      order: { type: 'order', index: 1, only: 'suspects', config, watchdogMs: null, alertWarnings: [] },
      onMessage(message) {
        if (message.type === 'signal') signals.publish(...message.chainIds);
        else hear(1, message);
      },
      nowMs: () => performance.now(),
    },
    signal,
  );
  log.info({ pid: started.pid }, 'a process for suspect chains was started');
  return started;
}
