/**
 * What a run plays on: a PostgreSQL and a Redis of its own, and one to three services, each behind two proxies of its own.
 * The suite's own connection goes to the database directly; what it asks waits while the database is away.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { type Database, isConnectionError, type Row } from '../../src/database/session.ts';
import { startTestServer, type TestServer } from '../support/database.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startProxy } from './proxy.ts';
import { type FaultyService, keepRunning } from './service-process.ts';
import { schema } from './workload-chains.ts';

export const leaseMs = 2_000;

export interface NodeRow extends Row {
  readonly id: string;
  readonly pid: number;
  readonly beat: string;
  /** Chains that it runs by the rows. */
  readonly running: number;
}

export interface Stage {
  readonly postgres: TestServer;
  readonly redis: TestRedis;
  readonly database: Database;
  readonly services: readonly FaultyService[];
  readonly scratch: string;
  /** Of the disk that PostgreSQL alone writes to; null: it shares one with everything else. */
  readonly disk: string | null;
  /** As `database.query`, again and again while the database is away, for at most a minute. */
  ask<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Live ones, without those for suspects. */
  nodesOf(service: FaultyService): Promise<NodeRow[]>;
  /** Resolves when the service has a live node that beats. */
  works(service: FaultyService): Promise<void>;
  say(line: string): void;
  /** `keep`: the logs of the services stay in `scratch`. */
  close(keep?: 'keep'): Promise<void>;
}

export interface StageOptions {
  /** How many processes each service has. */
  readonly services: readonly number[];
  /** A small disk of its own for PostgreSQL; only root can have one. */
  readonly ownDisk: boolean;
  readonly say: (line: string) => void;
}

export async function openStage({ services: sizes, ownDisk, say }: StageOptions): Promise<Stage> {
  const scratch = mkdtempSync(join(tmpdir(), 'lkf-'));
  chmodSync(scratch, 0o711);
  const disk = ownDisk ? mountDisk(join(scratch, 'disk')) : null;
  const postgres = await startTestServer({
    ...(disk === null ? {} : { parent: disk }),
    settings: ['max_wal_size=96MB', 'min_wal_size=32MB', 'shared_buffers=64MB'],
  });
  await migrate(postgres.url);
  const redis = await startRedis();
  const database = openDatabase(postgres.url, { applicationName: 'fault suite', max: 8, onError: () => {} });
  await database.query(schema);
  const services: FaultyService[] = [];
  const socket = `${decodeURIComponent(/host=([^&]*)/.exec(postgres.url)![1]!)}/.s.PGSQL.5432`;
  for (const [index, processes] of sizes.entries()) {
    const toDatabase = await startProxy({ path: socket }, 'postgres');
    const toRedis = await startProxy({ port: redis.port, host: '127.0.0.1' }, 'redis');
    services.push(
      keepRunning({
        name: `service-${index + 1}`,
        processes,
        scratch,
        databaseUrl: `postgres://linekeeper@127.0.0.1:${toDatabase.port}/postgres`,
        database: toDatabase,
        redis: toRedis,
        env: serviceEnvironment(scratch, processes, toRedis.port),
      }),
    );
  }

  async function ask<R extends Row = Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    const endMs = performance.now() + 60_000;
    for (;;) {
      try {
        return await database.query<R>(text, values);
      } catch (error) {
        if (!mayPass(error) || performance.now() > endMs) throw error;
        await delay(100);
      }
    }
  }

  const nodesOf = (service: FaultyService) => ask<NodeRow>(liveNodes, [service.pids()]);
  return {
    postgres,
    redis,
    database,
    services,
    scratch,
    disk,
    ask,
    nodesOf,
    say,
    async works(service) {
      const endMs = performance.now() + 90_000;
      while ((await nodesOf(service)).length === 0) {
        if (performance.now() > endMs) throw new Error(`${service.name} does not work; see ${service.logPath}`);
        await delay(100);
      }
    },
    async close(keep) {
      await Promise.all(services.map((service) => service.down('SIGKILL')));
      await Promise.all(services.flatMap((service) => [service.database.close(), service.redis.close()]));
      await database.close().catch(() => {});
      await redis.stop();
      await postgres.stop();
      if (disk !== null) execFileSync('umount', [disk]);
      if (keep) say(`the logs of the services are in ${scratch}`);
      else rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** Away, or out of disk, memory or sessions for the moment. */
export function mayPass(error: unknown): boolean {
  return isConnectionError(error) || /^(53|40|55)/.test(String((error as { code?: unknown }).code));
}

function serviceEnvironment(scratch: string, processes: number, redisPort: number): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'service-hook.ts')).href}`,
    LINEKEEPER_PROCESSES: String(processes),
    LINEKEEPER_ARCHIVE_DIRECTORY: join(scratch, 'archive'),
    LINEKEEPER_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    LINEKEEPER_CHAINS_LANES: '8',
    LINEKEEPER_CHAINS_LEASE_MS: String(leaseMs),
    LINEKEEPER_CHAINS_BEAT_MS: '400',
    LINEKEEPER_WATCHDOG_INTERVAL_MS: '250',
    LINEKEEPER_WATCHDOG_DEADLINE_MS: '5000',
  };
}

function mountDisk(path: string): string {
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=768m,mode=0711', 'linekeeper-faults', path]);
  return path;
}

const liveNodes = `
  select n.id, n.pid, n.beat,
         (select count(*)::int from chain c where c.owner = n.id and c.state = 'running') as running
  from node n
  where n.pid = any ($1::int[]) and n.state = 'live' and not n.suspects and n.beat_at > now() - interval '2 seconds'
  order by n.pid`;
