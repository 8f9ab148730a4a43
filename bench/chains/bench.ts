/**
 * `npm run bench -- chains [--quick] [--rounds 3] [--only own,four-1] [--ours]`: our engine beside pg-boss, graphile-worker
 * and BullMQ, on one PostgreSQL and one Redis that it starts itself. In each round every case is measured once for every
 * contender, in an order that turns from round to round, so that a busy moment of the machine hits all of them.
 */
import { parseArgs } from 'node:util';
import { installPeers } from '../peer-packages.ts';
import {
  type CellContext,
  enqueuesPerSecond,
  latencyMs,
  nameOf,
  type Sample,
  stepsPerSecond,
  type Who,
} from './cells.ts';
import { busyShare } from './machine.ts';
import { findPgbench, pgbenchStepsPerSecond } from './pgbench.ts';
import { type Case, cases, fullSizes, quickSizes, type Sizes } from './plan.ts';
import { type Measured, report } from './report.ts';
import { startServers } from './servers.ts';
import { createStores } from './stores.ts';

interface Options {
  readonly sizes: Sizes;
  readonly chosen: readonly Case[];
}

export async function benchChains(args: readonly string[]): Promise<void> {
  const { sizes, chosen } = optionsOf(args);
  const contenders = new Set(chosen.flatMap((one) => one.contenders.map(({ contender }) => contender)));
  const withPeers = [...contenders].some((contender) => contender !== 'linekeeper' && contender !== 'pgbench');
  if (withPeers) installPeers();
  const beganMs = performance.now();
  const servers = await startServers({ redis: contenders.has('bullmq') });
  try {
    const context: CellContext = { servers, storeOf: createStores(servers) };
    const settings = await servers.settings();
    const busy: number[] = [];
    const results = await inTurns(context, sizes, chosen, busy);
    const minutes = (performance.now() - beganMs) / 60_000;
    report({ results, chosen, settings, sizes, busy, minutes });
  } finally {
    await servers.stop();
  }
}

async function inTurns(
  context: CellContext,
  sizes: Sizes,
  chosen: readonly Case[],
  busy: number[],
): Promise<readonly Measured[]> {
  const results = new Map<string, Measured & { samples: Sample[] }>();
  for (let round = 0; round < sizes.rounds; round += 1) {
    busy.push(await busyShare());
    for (const one of chosen) {
      for (const contender of turned(one.contenders, round)) {
        const sample = await measure(context, sizes, one, contender);
        if (sample === null) continue;
        const key = `${one.name} ${nameOf(contender)}`;
        const result = results.get(key) ?? { case: one, who: contender, samples: [] };
        results.set(key, result);
        result.samples.push(sample);
        console.error(`round ${round + 1}: ${one.name}, ${nameOf(contender)}: ${wordsOf(sample)} ${one.unit}`);
      }
    }
  }
  return [...results.values()];
}

function wordsOf({ value, cpuUs }: Sample): string {
  const cpu = cpuUs ? ` (${cpuUs.contender.toFixed(1)} + ${cpuUs.server.toFixed(1)} us of CPU each)` : '';
  return `${value.toFixed(value < 100 ? 2 : 0)}${cpu}`;
}

/** Every second round runs backwards, and each begins one further on. */
function turned(contenders: readonly Who[], round: number): readonly Who[] {
  const from = round % contenders.length;
  const order = [...contenders.slice(from), ...contenders.slice(0, from)];
  return round % 2 === 0 ? order : order.reverse();
}

/** Null: this machine cannot measure it. */
async function measure(context: CellContext, sizes: Sizes, one: Case, who: Who): Promise<Sample | null> {
  const { warmChains, warmMs } = sizes;
  const what = one.measure;
  switch (what.kind) {
    case 'steps': {
      const { work, nodes } = what;
      return stepsPerSecond(context, who, { work, nodes, chains: sizes[what.count], warmChains, warmMs });
    }
    case 'enqueue':
      return enqueuesPerSecond(context, who, { ...what, ms: sizes.enqueueMs });
    case 'latency': {
      const warm = Math.ceil(warmChains / 15);
      return latencyMs(context, who, { chains: sizes.latencyChains, everyMs: what.everyMs, warmChains: warm });
    }
    case 'limit': {
      const pgbench = findPgbench();
      if (!pgbench) return null;
      const store = await context.storeOf('linekeeper', '');
      try {
        return await pgbenchStepsPerSecond(pgbench, { servers: context.servers, store, chains: sizes.limitChains });
      } finally {
        await store.drop();
      }
    }
  }
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      ours: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const sizes = values.quick ? quickSizes : fullSizes;
  const rounds = Number(values.rounds ?? sizes.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new RangeError(`--rounds must be a positive integer, not ${values.rounds}`);
  }
  const names = values.only?.split(',') ?? cases.map(({ name }) => name);
  const chosen = names.map((name) => {
    const found = cases.find((one) => one.name === name);
    if (!found) throw new RangeError(`--only ${name}: the cases are ${cases.map((one) => one.name).join(', ')}`);
    return values.ours ? onlyOurs(found) : found;
  });
  return { sizes: { ...sizes, rounds }, chosen };
}

function onlyOurs(one: Case): Case {
  return { ...one, contenders: one.contenders.filter(({ contender }) => /^(linekeeper|pgbench)$/.test(contender)) };
}
