/**
 * A real PostgreSQL for tests. `npm test` starts one server and names it in LINEKEEPER_TEST_DATABASE_URL; a test file that
 * runs alone starts its own. Every caller gets a fresh, migrated database of its own.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { initialise, serverEnvironment } from '../../src/database/embedded/cluster.ts';
import { placeCluster } from '../../src/database/embedded/placement.ts';
import { migrate } from '../../src/database/migrate.ts';

export interface TestServer {
  /** URL of the maintenance database; a superuser. */
  readonly url: string;
  readonly pid: number;
  /** Ends the server, fast unless told otherwise (SIGQUIT: at once, SIGKILL: without a word); its data stays. */
  pause(signal?: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same data, under the same URL. */
  resume(): Promise<void>;
  isRunning(): boolean;
  stop(): Promise<void>;
}

export interface TestServerOptions {
  /** Where its directory is made. Default: the system's temporary one. */
  readonly parent?: string;
  /** Such as `max_wal_size=128MB`. */
  readonly settings?: readonly string[];
}

/** Starts an embedded PostgreSQL on a unix socket in a temporary directory; as root, under another user. */
export async function startTestServer({
  parent = tmpdir(),
  settings: more = [],
}: TestServerOptions = {}): Promise<TestServer> {
  const directory = mkdtempSync(join(parent, 'lkt-'));
  chmodSync(directory, 0o711);
  const log = { info: () => {}, warn: () => {} };
  const placement = await placeCluster({ stateDirectory: directory, log });
  const { data, user, binaries, socketDirectory } = placement;
  mkdirSync(data, { mode: 0o700 });
  if (user) chownSync(data, user.uid, user.gid);
  await initialise(placement, data, ['-A', 'trust', '-N']);
  const settings = [
    `unix_socket_directories=${socketDirectory}`,
    'listen_addresses=',
    'max_connections=200',
    'fsync=off',
    ...more,
  ];
  const launch = () =>
    spawn(join(binaries.native, 'bin/postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...(user ? { uid: user.uid, gid: user.gid } : {}),
      cwd: '/',
      stdio: 'ignore',
      env: serverEnvironment(),
    });
  const url = `postgres://linekeeper@/postgres?host=${encodeURIComponent(socketDirectory)}`;
  let server = launch();
  const isRunning = () => server.exitCode === null && server.signalCode === null;
  if (!(await answers(url, isRunning))) throw new Error(`PostgreSQL does not start in ${directory}`);
  const pause = async (signal: NodeJS.Signals = 'SIGINT') => {
    if (!isRunning()) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill(signal);
    await ended;
  };
  return {
    url,
    get pid() {
      return server.pid!;
    },
    pause,
    async resume() {
      // after a SIGKILL the old one's sessions may hold its memory for a moment, and a new one does not start
      for (let tries = 0; tries < 50; tries += 1) {
        server = launch();
        if (await answers(url, isRunning)) return;
        await delay(100);
      }
      throw new Error('PostgreSQL does not start again');
    },
    isRunning,
    async stop() {
      await pause();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** False when the server ended before it answered. */
async function answers(url: string, isRunning: () => boolean): Promise<boolean> {
  for (let tries = 0; ; tries += 1) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return true;
    } catch (error) {
      if (!isRunning()) return false;
      // crash recovery on a loaded machine takes its time
      if (tries > 400) throw error;
      await delay(50);
    }
  }
}

export interface TestDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/** A fresh, migrated database; `close` drops it (and stops the server this file started). */
export async function testDatabase(): Promise<TestDatabase> {
  const database = await emptyDatabase();
  await migrate(database.url);
  return database;
}

/** The same without a schema. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const shared = process.env.LINEKEEPER_TEST_DATABASE_URL;
  const server = shared ? null : await startTestServer();
  const adminUrl = shared ?? server!.url;
  const name = `t_${randomBytes(6).toString('hex')}`;
  await admin(adminUrl, `create database ${name}`);
  return {
    url: adminUrl.replace('/postgres?', `/${name}?`),
    async close() {
      await admin(adminUrl, `drop database ${name} with (force)`);
      await server?.stop();
    },
  };
}

/** One statement on a connection of its own. */
export async function admin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
