/** Faults of the lines to PostgreSQL and Redis, and of Redis itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Fault, type Scene, soon } from './fault.ts';
import { leaseMs } from './stage.ts';

/** Longer than a probe waits for its answer. */
const silenceMs = 7_000;

const databaseSilent: Fault = {
  name: 'the line to PostgreSQL half open',
  row: 2,
  lane: 'network',
  async inject({ stage, draw }) {
    const service = draw.pick(stage.services);
    await stage.works(service);
    const nodes = await stage.nodesOf(service);
    const connections = service.database.fallSilent();
    await delay(silenceMs + draw.int(0, 2_000));
    const states = await stage.ask('select state from node where id = any ($1)', [nodes.map((node) => node.id)]);
    service.database.heal();
    await stage.works(service);
    if (connections === 0 || nodes.length === 0) return null;
    return `${service.name}: ${connections} connections; its nodes were then ${states.map((row) => row.state).join(', ')}`;
  },
};

const databaseSlow: Fault = {
  name: 'the line to PostgreSQL slow',
  row: 2,
  lane: 'network',
  async inject({ stage, draw }) {
    const service = draw.pick(stage.services);
    const before = service.database.delayed();
    service.database.slowDown(draw.int(20, 150));
    await delay(draw.int(1_500, 2 * leaseMs));
    service.database.heal();
    const late = service.database.delayed() - before;
    return late > 0 ? `${service.name}: ${late} pieces came late` : null;
  },
};

function answerLost(what: string, statement: string): Fault {
  return {
    name: `the answer to ${what} lost`,
    row: 3,
    lane: 'network',
    async inject({ stage, draw }) {
      let lost = 0;
      for (let times = draw.int(1, 4); times > 0; times -= 1) {
        const service = draw.pick(stage.services);
        await stage.works(service);
        const before = service.database.lost();
        service.database.loseAnswerTo(statement);
        if (await soon(async () => service.database.lost() > before, 10_000)) lost += 1;
        else service.database.heal();
        await delay(draw.int(20, 300));
      }
      return lost > 0 ? `${lost} answers` : null;
    },
  };
}

const redisSilent: Fault = {
  name: 'the line to Redis half open',
  row: 4,
  lane: 'network',
  async inject({ stage, draw }) {
    const service = draw.pick(stage.services);
    await soon(async () => service.redis.connections() > 0, 10_000);
    const connections = service.redis.fallSilent();
    await delay(draw.int(2_000, 6_000));
    service.redis.heal();
    return connections > 0 ? `${service.name}: ${connections} connections` : null;
  },
};

const flushed: Fault = {
  name: 'Redis FLUSHALL',
  row: 4,
  lane: 'network',
  async inject({ stage }) {
    const keys = Number(await stage.redis.call('DBSIZE'));
    await stage.redis.call('FLUSHALL');
    return keys > 0 ? `${keys} keys` : null;
  },
};

const trimmed: Fault = {
  name: 'the stream of Redis trimmed',
  row: 4,
  lane: 'network',
  async inject({ stage }) {
    const [stream] = (await stage.redis.call('KEYS', '*:signals')) as string[];
    if (stream === undefined) return null;
    const entries = await soon(async () => Number(await stage.redis.call('XTRIM', stream, 'MAXLEN', 0)), 8_000);
    return entries === null ? null : `${entries} entries`;
  },
};

const redisKilled: Fault = {
  name: 'Redis killed, and empty when it is back',
  row: 4,
  lane: 'network',
  async inject({ stage, draw }) {
    const { pid } = stage.redis;
    await stage.redis.kill();
    await delay(draw.int(0, 4_000));
    await stage.redis.start();
    return stage.redis.pid === pid ? null : `process ${pid}`;
  },
};

const redisFrozen: Fault = {
  name: 'Redis frozen',
  row: 4,
  lane: 'network',
  async inject(scene: Scene) {
    const { stage, draw } = scene;
    const { pid } = stage.redis;
    process.kill(pid, 'SIGSTOP');
    await delay(draw.int(1_000, 5_000));
    process.kill(pid, 'SIGCONT');
    return (await stage.redis.call('PING')) === 'PONG' ? `process ${pid}` : null;
  },
};

export const networkFaults: readonly Fault[] = [
  databaseSilent,
  databaseSlow,
  answerLost('COMMIT', 'commit'),
  answerLost('a claim', 'with picked as materialized'),
  answerLost('a completing statement', 'insert into step_log'),
  redisSilent,
  flushed,
  trimmed,
  redisKilled,
  redisFrozen,
];
