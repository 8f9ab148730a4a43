/**
 * The one PostgreSQL (the embedded one, as the product starts it) and the one Redis of a run, in a temporary directory, and
 * what both say about their settings. Every cell gets a database of its own, made from a template that has its contender's
 * schema, so that nobody works beside another's rows.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startEmbedded } from '../../src/database/embedded/server.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { loadPeer } from '../peer-packages.ts';
import { cpuMsOf, cpuMsOfPostgres } from './machine.ts';

export interface Redis {
  call(command: string, ...args: string[]): Promise<unknown>;
  quit(): Promise<unknown>;
}

export interface Servers {
  readonly admin: Database;
  readonly redisSocket: string;
  /** Null when the bench runs without the peer on Redis. */
  readonly redis: Redis | null;
  urlOf(database: string): string;
  settings(): Promise<Record<string, string>>;
  /** Processor time of both servers so far. */
  cpuMs(): number;
  stop(): Promise<void>;
}

const log = { info() {}, warn: (fields: object, message: string) => console.error(message, fields) };

export async function startServers(options: { readonly redis: boolean }): Promise<Servers> {
  const directory = mkdtempSync(join(tmpdir(), 'lkb-'));
  chmodSync(directory, 0o711);
  const removed = () => rmSync(directory, { recursive: true, force: true });
  const postgres = await startEmbedded({ stateDirectory: directory, log }).catch((error: unknown) => {
    removed();
    throw error;
  });
  const admin = openDatabase(postgres.url, { applicationName: 'bench admin', max: 2 });
  const redisSocket = join(directory, 'redis.sock');
  let started: { process: ChildProcess; redis: Redis } | null = null;
  const stop = async () => {
    await started?.redis.quit();
    await ended(started?.process ?? null);
    await admin.close();
    await postgres.stop();
    removed();
  };
  try {
    if (options.redis) started = await startRedis(directory, redisSocket);
  } catch (error) {
    await stop();
    throw error;
  }
  const redis = started?.redis ?? null;
  return {
    admin,
    redisSocket,
    redis,
    urlOf: (database) => postgres.url.replace('/linekeeper?', `/${database}?`),
    settings: async () => ({ ...(await postgresSettings(admin)), ...(redis ? await redisSettings(redis) : {}) }),
    cpuMs: () => cpuMsOfPostgres(postgres.pid) + (started ? cpuMsOf(started.process.pid!) : 0),
    stop,
  };
}

async function startRedis(directory: string, socket: string): Promise<{ process: ChildProcess; redis: Redis }> {
  const args = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--appendonly', 'yes'];
  const server = spawn('redis-server', [...args, '--appendfsync', 'everysec', '--save', ''], { stdio: 'ignore' });
  const failed = new Promise<never>((_, reject) => {
    server.once('error', (error) => reject(new Error(`redis-server did not start: ${error.message}; install Redis`)));
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
  });
  failed.catch(() => {});
  const { Redis } = await loadPeer<{ Redis: new (options: object) => Redis & { on(e: string, l: () => void): void } }>(
    'ioredis',
  );
  const redis = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {}); // until the socket is there
  await Promise.race([redis.call('PING'), failed, delay(10_000, null, { ref: false }).then(late)]);
  return { process: server, redis };
}

function late(): never {
  throw new Error('redis-server did not answer for 10 s');
}

async function ended(server: ChildProcess | null): Promise<void> {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  const over = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await over;
}

const postgresNames = [
  ...['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'shared_buffers'],
  ...['max_wal_size', 'checkpoint_timeout', 'wal_compression', 'jit', 'autovacuum'],
];

async function postgresSettings(admin: Database): Promise<Record<string, string>> {
  const rows = await admin.query('select name, current_setting(name) as value from unnest($1::text[]) as n (name)', [
    postgresNames,
  ]);
  return Object.fromEntries(rows.map(({ name, value }) => [`postgresql ${name}`, value as string]));
}

async function redisSettings(redis: Redis): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const name of ['appendonly', 'appendfsync', 'save']) {
    settings[`redis ${name}`] = ((await redis.call('CONFIG', 'GET', name)) as string[])[1]!;
  }
  const info = (await redis.call('INFO', 'server')) as string;
  return { 'redis version': /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown', ...settings };
}
