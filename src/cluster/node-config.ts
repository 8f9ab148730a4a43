/**
 * The configuration of one node process: the primary's, with a state directory, admin socket and share of the cores of its
 * own, the database that the primary runs or was told, and the archive that all nodes share. Boots are the primary's to
 * count: a node takes its work at once.
 */
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';

/** `node-1` to `node-N` in the state directory. */
export function nodeDirectory(config: Pick<Config, 'stateDirectory'>, index: number): string {
  return join(config.stateDirectory, `node-${index}`);
}

/** `databaseUrl` null: it is in the configuration. */
export function nodeConfig(config: Config, index: number, databaseUrl: string | null): Config {
  const stateDirectory = nodeDirectory(config, index);
  return {
    ...config,
    stateDirectory,
    database: databaseUrl === null ? config.database : { ...config.database, url: databaseUrl },
    compute: { ...config.compute, threads: Math.max(1, Math.floor(config.compute.threads / config.processes)) },
    admin: { socket: join(stateDirectory, 'admin.sock') },
    alerts: { ...config.alerts, file: join(stateDirectory, 'alerts.jsonl') },
    crashLoop: { ...config.crashLoop, baseMs: 0 },
  };
}
