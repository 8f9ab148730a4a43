/**
 * What each contender's store says after the clock stopped: how many steps are committed, whether any is left, how many
 * chains are there. The bench asks here and believes no contender's own count.
 */
import { auditChains } from '../../src/chains/audit.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { installGraphileWorker } from './contenders/graphile-worker.ts';
import { installPgBoss } from './contenders/pg-boss.ts';
import type { Redis, Servers } from './servers.ts';

export interface Store {
  readonly url: string;
  committedSteps(): Promise<number>;
  anyLeft(): Promise<boolean>;
  /** Chains or jobs that are there. */
  opened(): Promise<number>;
  /** Rows that steps wrote. */
  effects(): Promise<number>;
  /** Findings of our audit; 0 for peers, who have none. */
  auditFindings(): Promise<number>;
  drop(): Promise<void>;
}

interface Questions {
  readonly committedSteps: string;
  readonly anyLeft: string;
  readonly opened: string;
}

const questions: Readonly<Record<string, Questions>> = {
  linekeeper: {
    committedSteps: `select count(*)::int as n from step_log where outcome = 'succeeded' and step in ('a', 'b', 'c', 'd')`,
    anyLeft: `
      select (exists (select from chain where state = 'running') or exists (select from chain where state = 'ready')
              or exists (select from chain where state = 'timer'))::int as n`,
    opened: `select count(*)::int as n from chain`,
  },
  'pg-boss': {
    committedSteps: `select count(*)::int as n from pgboss.job where state = 'completed'`,
    anyLeft: `select exists (select from pgboss.job where state < 'completed')::int as n`,
    opened: `select count(*)::int as n from pgboss.job`,
  },
  // a job is deleted when it is completed
  'graphile-worker': {
    committedSteps: `
      select (coalesce(pg_sequence_last_value(pg_get_serial_sequence('graphile_worker._private_jobs', 'id')::regclass), 0)
              - (select count(*) from graphile_worker._private_jobs))::int as n`,
    anyLeft: `select exists (select from graphile_worker._private_jobs)::int as n`,
    opened: `select count(*)::int as n from graphile_worker._private_jobs`,
  },
};

const templates: Readonly<Record<string, (url: string) => Promise<unknown>>> = {
  linekeeper: (url) => migrate(url),
  'pg-boss': (url) => installPgBoss(url, { notify: false }),
  'pg-boss-notify': (url) => installPgBoss(url, { notify: true }),
  'graphile-worker': installGraphileWorker,
};

const templateOf = (contender: string, variant: string) =>
  contender === 'pg-boss' && variant === 'notify' ? 'pg-boss-notify' : contender;

/** Makes stores; a template is made when it is first needed. */
export function createStores(servers: Servers): (contender: string, variant: string) => Promise<Store> {
  const made = new Set<string>();
  let number = 0;

  async function templateName(name: string): Promise<string> {
    const database = `template_${name.replaceAll('-', '_')}`;
    if (made.has(name)) return database;
    await servers.admin.query(`create database ${database}`);
    await templates[name]!(servers.urlOf(database));
    const session = openDatabase(servers.urlOf(database), { applicationName: 'bench template', max: 1 });
    await session.query('create table effect (chain_id bigint, job text, step text)');
    await session.close();
    made.add(name);
    return database;
  }

  return async (contender, variant) => {
    if (contender === 'bullmq') {
      const redis = servers.redis!;
      await redis.call('FLUSHALL');
      await redis.call('CONFIG', 'SET', 'appendfsync', variant === 'always' ? 'always' : 'everysec');
      return redisStore(redis);
    }
    const template = await templateName(templateOf(contender, variant));
    number += 1;
    const database = `bench_${number}`;
    await servers.admin.query(`create database ${database} template ${template}`);
    const url = servers.urlOf(database);
    const session = openDatabase(url, { applicationName: 'bench counter', max: 1 });
    return tableStore(url, session, contender, async () => {
      await session.close();
      await servers.admin.query(`drop database ${database} with (force)`);
    });
  };
}

function tableStore(url: string, session: Database, contender: string, drop: () => Promise<void>): Store {
  const asked = questions[contender]!;
  const number = async (question: string) => Number((await session.query<{ n: number }>(question))[0]!.n);
  return {
    url,
    committedSteps: () => number(asked.committedSteps),
    anyLeft: async () => (await number(asked.anyLeft)) > 0,
    opened: () => number(asked.opened),
    effects: () => number('select count(*)::int as n from effect'),
    auditFindings: async () => (contender === 'linekeeper' ? (await auditChains(session)).length : 0),
    drop,
  };
}

function redisStore(redis: Redis): Store {
  const number = async (command: string, key: string) => Number(await redis.call(command, `bull:step:${key}`));
  const left = async () => (await number('LLEN', 'wait')) + (await number('LLEN', 'active'));
  return {
    url: '',
    committedSteps: () => number('ZCARD', 'completed'),
    anyLeft: async () => (await left()) + (await number('ZCARD', 'waiting-children')) > 0,
    opened: left,
    effects: async () => 0,
    auditFindings: async () => 0,
    drop: async () => void (await redis.call('FLUSHALL')),
  };
}
