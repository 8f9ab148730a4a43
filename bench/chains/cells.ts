/**
 * One measurement of one contender: a fresh store, processes of its own, a warm-up through the same path, and the clock
 * from the moment the work is there until the store says that none is left. Then the committed rows are counted; a number
 * that is not exactly right, or a finding of the audit, fails the bench.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMsOf } from './machine.ts';
import { type Node, startNode } from './node.ts';
import { type Enqueued, type Work, wallMs } from './protocol.ts';
import type { Servers } from './servers.ts';
import type { Store } from './stores.ts';

export interface Who {
  readonly contender: string;
  readonly variant: string;
}

export interface CellContext {
  readonly servers: Servers;
  readonly storeOf: (contender: string, variant: string) => Promise<Store>;
}

/** What a measurement gave. */
export interface Sample {
  /** A rate per second, or milliseconds. */
  readonly value: number;
  /** Of latencies. */
  readonly p99?: number;
  /** Microseconds of processor time for each step or chain; what a busy machine leaves comparable. */
  readonly cpuUs?: { readonly contender: number; readonly server: number };
}

export interface StepsCell {
  readonly work: Work;
  readonly chains: number;
  /** As often as it takes to warm up for so long. */
  readonly warmChains: number;
  readonly warmMs: number;
  readonly nodes: number;
}

const givenUpMs = 180_000;
const askEveryMs = 3;
const stepsOf: Readonly<Record<Work, number>> = { four: 4, own: 4, single: 1 };

async function withNodes<T>(
  { servers, storeOf }: CellContext,
  { contender, variant }: Who,
  { work, nodes: count }: { work: Work; nodes: number },
  measure: (nodes: readonly Node[], store: Store) => Promise<T>,
): Promise<T> {
  const store = await storeOf(contender, variant);
  const nodes: Node[] = [];
  try {
    for (let index = 0; index < count; index += 1) {
      nodes.push(await startNode({ contender, variant, work, url: store.url, redis: servers.redisSocket }));
    }
    return await measure(nodes, store);
  } finally {
    await Promise.all(nodes.map((node) => node.end()));
    await store.drop();
  }
}

/** Steps per second. */
export function stepsPerSecond(context: CellContext, who: Who, cell: StepsCell): Promise<Sample> {
  return withNodes(context, who, cell, async (nodes, store) => {
    const all = (call: 'go' | 'hold') => Promise.all(nodes.map((node) => node.ask({ call })));
    const steps = cell.chains * stepsOf[cell.work];
    const fail = (why: string) => new Error(`${nameOf(who)}, ${cell.work}, ${cell.nodes} node(s): ${why}`);

    let warmSteps = 0;
    for (const warmUntilMs = wallMs() + cell.warmMs; warmSteps === 0 || wallMs() < warmUntilMs; ) {
      await nodes[0]!.ask({ call: 'preload', chains: cell.warmChains });
      await all('go');
      warmSteps += cell.warmChains * stepsOf[cell.work];
      await drained(nodes, store, warmSteps, fail);
      await all('hold');
    }
    await context.servers.admin.query('checkpoint');

    const startedMs = await nodes[0]!.ask<number>({ call: 'preload', chains: cell.chains });
    const cpuUs = cpuSince(context.servers, nodes);
    await all('go');
    await drained(nodes, store, warmSteps + steps, fail);
    const seconds = (wallMs() - startedMs) / 1000;
    const used = cpuUs(steps);

    const committed = (await store.committedSteps()) - warmSteps;
    if (committed !== steps) throw fail(`${committed} steps are committed, not ${steps}`);
    if (cell.work === 'own') {
      const rows = (await store.effects()) - warmSteps;
      if (rows !== steps) throw fail(`its steps wrote ${rows} rows, not ${steps}`);
    }
    const findings = await store.auditFindings();
    if (findings > 0) throw fail(`the audit has ${findings} findings`);
    return { value: committed / seconds, cpuUs: used };
  });
}

/** From now on; the returned function divides by what was done. */
function cpuSince(servers: Servers, nodes: readonly Node[]): (done: number) => NonNullable<Sample['cpuUs']> {
  const used = () => ({
    contender: nodes.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0),
    server: servers.cpuMs(),
  });
  const before = used();
  return (done) => {
    const after = used();
    const each = (what: 'contender' | 'server') => (1000 * (after[what] - before[what])) / done;
    return { contender: each('contender'), server: each('server') };
  };
}

/** The store is asked only when the processes say that they ran everything, so that asking costs nobody anything before. */
async function drained(
  nodes: readonly Node[],
  store: Store,
  steps: number,
  fail: (why: string) => Error,
): Promise<void> {
  const giveUpMs = performance.now() + givenUpMs;
  const ran = () => nodes.reduce((sum, node) => sum + node.ran(), 0);
  while (ran() < steps || (await store.anyLeft())) {
    if (performance.now() > giveUpMs) throw fail(`${ran()} of ${steps} steps ran within ${givenUpMs / 1000} s`);
    await delay(askEveryMs);
  }
}

/** Chains opened per second. */
export function enqueuesPerSecond(
  context: CellContext,
  who: Who,
  order: { readonly ms: number; readonly callers: number; readonly bulk: number },
): Promise<Sample> {
  return withNodes(context, who, { work: 'single', nodes: 1 }, async ([node], store) => {
    await node!.ask({ call: 'enqueue', order: { ...order, ms: order.ms / 4 } });
    const before = await store.opened();
    const cpuUs = cpuSince(context.servers, [node!]);
    const { made, ms } = await node!.ask<Enqueued>({ call: 'enqueue', order });
    const used = cpuUs(made);
    const there = (await store.opened()) - before;
    if (there !== made) throw new Error(`${nameOf(who)} says it opened ${made}, and ${there} are there`);
    return { value: (made * 1000) / ms, cpuUs: used };
  });
}

/** Median milliseconds from before a chain's enqueue until its last step has run. */
export function latencyMs(
  context: CellContext,
  who: Who,
  cell: { readonly chains: number; readonly everyMs: number; readonly warmChains: number },
): Promise<Sample> {
  return withNodes(context, who, { work: 'four', nodes: 1 }, async ([node]) => {
    await node!.ask({ call: 'go' });
    await node!.ask({ call: 'latency', chains: cell.warmChains, everyMs: cell.everyMs });
    const samples = await node!.ask<number[]>({ call: 'latency', chains: cell.chains, everyMs: cell.everyMs });
    const sorted = samples.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
    return { value: at(0.5), p99: at(0.99) };
  });
}

export function nameOf({ contender, variant }: Who): string {
  return variant === '' ? contender : `${contender}, ${variant}`;
}
