/**
 * The peers' packages: pinned in `bench/peers` with a lockfile of its own, installed there when the bench first needs them,
 * and no part of the product. They are loaded by path, so that nothing here needs them for its types.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const directory = join(import.meta.dirname, 'peers');
const resolveFrom = createRequire(join(directory, 'package.json'));

export const chainPeers = ['pg-boss', 'graphile-worker', 'bullmq', 'ioredis'] as const;
export const cdrPeers = ['@duckdb/node-api', 'csv-parse', 'papaparse'] as const;
export type PeerName = (typeof chainPeers)[number] | (typeof cdrPeers)[number];

/** Runs `npm ci` in `bench/peers` unless exactly the locked versions are there. Throws with npm's words when that fails. */
export function installPeers(): void {
  if ([...chainPeers, ...cdrPeers].every((name) => installedVersion(name) === pinnedVersion(name))) return;
  console.error('installing the peers in bench/peers, once');
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (npm.status !== 0) {
    throw new Error(`npm ci in bench/peers failed: ${npm.error?.message ?? npm.stderr.trim()}; run it there by hand`);
  }
}

export function pinnedVersion(name: PeerName): string {
  return (JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest).dependencies[name]!;
}

function installedVersion(name: PeerName): string | null {
  const manifest = join(directory, 'node_modules', name, 'package.json');
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version : null;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

export async function loadPeer<T>(name: PeerName): Promise<T> {
  return (await import(pathToFileURL(resolveFrom.resolve(name)).href)) as T;
}
