/** Faults of processes: killed, frozen, with a wrong clock. The service is started again as systemd would. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type StopPointName, stopPointNames } from '../../src/chains/stop-points.ts';
import { type Fault, type Scene, soon } from './fault.ts';
import { type FaultyService, isAlive, signalTo } from './service-process.ts';
import { leaseMs, type NodeRow, type Stage } from './stage.ts';
import { deployedNew } from './workload-chains.ts';

/** A node of the service that runs something, as it was a moment ago. */
async function busyNode(stage: Stage, service: FaultyService): Promise<NodeRow | null> {
  return soon(async () => (await stage.nodesOf(service)).find((node) => node.running > 0), 15_000);
}

const killed: Fault = {
  name: 'a node killed at random',
  row: 1,
  lane: 'nodes',
  async inject({ stage, draw }) {
    const service = draw.pick(stage.services);
    const node = await busyNode(stage, service);
    if (!node || !signalTo(node.pid, 'SIGKILL')) return null;
    if (!(await soon(async () => !isAlive(node.pid), 5_000))) return null;
    await stage.works(service);
    return `${service.name}: a process died with ${node.running} chains`;
  },
};

const allKilled: Fault = {
  name: 'all services killed at once',
  row: 1,
  lane: 'nodes',
  async inject({ stage }) {
    const nodes = await soon(async () => {
      const all = (await Promise.all(stage.services.map((service) => stage.nodesOf(service)))).flat();
      return all.some(({ running }) => running > 0) && all;
    }, 15_000);
    if (!nodes) return null;
    await Promise.all(stage.services.map((service) => service.end('SIGKILL')));
    await Promise.all(stage.services.map((service) => stage.works(service)));
    const running = nodes.reduce((sum, node) => sum + node.running, 0);
    return `${stage.services.length} services died with ${running} chains`;
  },
};

const primaryKilled: Fault = {
  name: 'the primary process killed',
  row: 1,
  lane: 'nodes',
  possible: (stage) => stage.services.some((service) => isPrimary(service)),
  async inject({ stage, draw }) {
    const service = draw.pick(stage.services.filter((one) => isPrimary(one)));
    const nodes = await stage.nodesOf(service);
    await service.end('SIGKILL');
    await stage.works(service);
    return nodes.length > 0 ? `${service.name}: the primary of ${nodes.length} nodes died` : null;
  },
};

const isPrimary = (service: FaultyService) => service.processes > 1;

let stopPointsSoFar = 0;

function killedAt(point: StopPointName): Fault {
  return {
    name: `killed at ${point}`,
    row: 1,
    lane: 'nodes',
    async inject({ stage, draw }) {
      // of this time only: a primary gives what it was started with to each of its nodes, also when that is long over
      stopPointsSoFar += 1;
      const log = join(stage.scratch, `stop-point-${stopPointsSoFar}.log`);
      const service = draw.pick(stage.services);
      const nth = point === 'mid-copy' || point === 'mid-recovery' ? 1 : draw.int(1, 12);
      service.nextStart({ LINEKEEPER_STOP_POINT: `${point}:${nth}`, LINEKEEPER_STOP_POINT_LOG: log });
      // what is freed at mid-recovery has to be left by somebody, and nobody else may free it
      const others = point === 'mid-recovery' ? stage.services.filter((one) => one !== service) : [];
      for (const other of others) await other.down('SIGKILL');
      await service.end('SIGKILL');
      const line = await soon(async () => lineOf(log), 20_000);
      for (const other of others) other.up();
      if (line === null) await service.end('SIGKILL'); // the next start is without it
      await stage.works(service);
      return line && `${service.name}: ${line}`;
    },
  };
}

function lineOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null;
  }
}

const frozen: Fault = {
  name: 'a node frozen beyond its lease',
  row: 5,
  lane: 'nodes',
  async inject({ stage, draw }) {
    const service = draw.pick(stage.services);
    const node = await busyNode(stage, service);
    if (!node || !signalTo(node.pid, 'SIGSTOP')) return null;
    const beatOf = async () =>
      (await stage.ask('select beat, state from node where id = $1', [node.id]))[0] as { beat: string; state: string };
    const first = await beatOf();
    await delay(leaseMs * 2 + draw.int(0, leaseMs));
    const last = await beatOf();
    signalTo(node.pid, 'SIGCONT');
    await stage.works(service);
    if (first.beat !== last.beat) return null;
    return `${service.name}: a node with ${node.running} chains stood still, and was then ${last.state}`;
  },
};

/** What faketime gives a program that it starts. */
function clockOf(offset: string): Record<string, string> {
  const preload = execFileSync('faketime', ['-f', offset, 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).trim();
  return { LD_PRELOAD: preload, FAKETIME: offset, DONT_FAKE_MONOTONIC: '1' };
}

function clockWrong(offset: '+1h' | '-1h'): Fault {
  return {
    name: `a node whose clock is wrong by ${offset}`,
    row: 6,
    lane: 'nodes',
    async inject({ stage, draw }) {
      const service = draw.pick(stage.services);
      service.nextStart(clockOf(offset));
      await service.end('SIGTERM');
      await stage.works(service);
      const written = await soon(() => effectsWithClock(stage, offset === '+1h' ? 1 : -1), 15_000);
      await service.end('SIGTERM');
      await stage.works(service);
      return written === null ? null : `${service.name}: ${written} effects were written by a process ${offset} off`;
    },
  };
}

async function effectsWithClock(stage: Stage, sign: number): Promise<number> {
  const [row] = await stage.ask<{ n: number }>(
    `select count(*)::int as n from fault_effect
     where at > now() - interval '15 seconds' and $1 * (node_ms - extract(epoch from at) * 1000) > 3000000`,
    [sign],
  );
  return row!.n;
}

async function stopped(
  { stage, draw }: Scene,
  signals: readonly NodeJS.Signals[],
  prepare: (service: FaultyService) => void = () => {},
): Promise<{ service: FaultyService; code: number | null; left: number; had: number }> {
  const service = draw.pick(stage.services);
  await busyNode(stage, service);
  const nodes = await stage.nodesOf(service);
  prepare(service);
  const { code } = await service.end(...signals);
  const ids = nodes.map((node) => node.id);
  const [row] = await stage.ask(`select count(*)::int as n from chain where state = 'running' and owner = any ($1)`, [
    ids,
  ]);
  await stage.works(service);
  return { service, code, left: row!.n, had: nodes.reduce((sum, node) => sum + node.running, 0) };
}

const drained: Fault = {
  name: 'a service stopped in order and started again',
  row: 9,
  lane: 'nodes',
  async inject(scene) {
    const { service, code, left, had } = await stopped(scene, ['SIGTERM']);
    return code === 0 && had > 0 ? `${service.name}: stopped with ${had} chains, ${left} left to recovery` : null;
  },
};

const stoppedTwice: Fault = {
  name: 'two stops at once',
  row: 9,
  lane: 'nodes',
  async inject(scene) {
    const { service, code, had } = await stopped(scene, ['SIGTERM', 'SIGTERM']);
    return `${service.name}: ended with ${code} and ${had} chains`;
  },
};

const deployed: Fault = {
  name: 'a release that does not know what the others run',
  row: 8,
  lane: 'nodes',
  async inject(scene) {
    const old = { LINEKEEPER_TEST_FAULTS_RELEASE: 'old' };
    const { service } = await stopped(scene, ['SIGTERM'], (chosen) => chosen.nextStart(old));
    const { stage, load, draw } = scene;
    const began = (await stage.nodesOf(service)).map((node) => node.id);
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await load.enqueue(deployedNew, { ms: 5 }));
    await delay(draw.int(1_000, 7_000));
    const [row] = await stage.ask(
      `select count(*) filter (where l.node = any ($2))::int as mine,
              (select count(*)::int from step_log where node = any ($2) and outcome = 'succeeded') as other
       from step_log l where l.chain_id = any ($1::bigint[])`,
      [ids, began],
    );
    await service.end('SIGTERM');
    await stage.works(service);
    if (row!.mine > 0) throw new Error(`a release ran ${row!.mine} steps of a version that it does not know`);
    return row!.other > 0 ? `${service.name}: ran ${row!.other} other steps and left those alone` : null;
  },
};

export const nodeFaults: readonly Fault[] = [
  killed,
  allKilled,
  primaryKilled,
  ...stopPointNames.map(killedAt),
  frozen,
  clockWrong('+1h'),
  clockWrong('-1h'),
  drained,
  stoppedTwice,
  deployed,
];
