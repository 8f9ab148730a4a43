/** What is measured: each case, its contenders and the bars of design.md section 13 that it stands beside. */
import type { Who } from './cells.ts';
import type { Work } from './protocol.ts';

export interface Sizes {
  readonly rounds: number;
  readonly chains: number;
  readonly drain: number;
  readonly warmChains: number;
  readonly warmMs: number;
  readonly limitChains: number;
  readonly latencyChains: number;
  readonly enqueueMs: number;
}

/** Chosen so that everything takes less than 12 minutes on 2 quiet cores. */
export const fullSizes: Sizes = {
  rounds: 3,
  chains: 4_000,
  drain: 20_000,
  warmChains: 1_500,
  warmMs: 2_000,
  limitChains: 10_000,
  latencyChains: 120,
  enqueueMs: 1_500,
};

/** To see that everything runs; the numbers say nothing. */
export const quickSizes: Sizes = {
  rounds: 1,
  chains: 300,
  drain: 1_000,
  warmChains: 50,
  warmMs: 0,
  limitChains: 1_000,
  latencyChains: 20,
  enqueueMs: 200,
};

export type Measure =
  | { readonly kind: 'steps'; readonly work: Work; readonly nodes: number; readonly count: 'chains' | 'drain' }
  | { readonly kind: 'enqueue'; readonly callers: number; readonly bulk: number }
  | { readonly kind: 'latency'; readonly everyMs: number }
  | { readonly kind: 'limit' };

export interface Bar {
  /** One of the case's contenders, or of another case with the same unit. */
  readonly beside: Who;
  /** Ours must be at least (rates) or at most (times) so many times theirs. */
  readonly floor: number | null;
  readonly goal: number | null;
}

export interface Case {
  readonly name: string;
  readonly what: string;
  readonly unit: 'steps/s' | 'chains/s' | 'ms p50';
  readonly measure: Measure;
  readonly contenders: readonly Who[];
  /** Of the first contender, which is ours. */
  readonly bars: readonly Bar[];
}

const who = (contender: string, variant = ''): Who => ({ contender, variant });
const bar = (beside: Who, floor: number | null, goal: number | null): Bar => ({ beside, floor, goal });

const ours = who('linekeeper');
const bossFlow = who('pg-boss', 'flow');
const bossNext = who('pg-boss', 'next');
const worker = who('graphile-worker');
const bullmq = who('bullmq', 'everysec');
export const limit = who('pgbench', 'limit');

const four = (nodes: number): Case => ({
  name: `four-${nodes}`,
  what: `chains of 4 no-op steps, ${nodes === 1 ? '1 node' : `${nodes} nodes`}`,
  unit: 'steps/s',
  measure: { kind: 'steps', work: 'four', nodes, count: 'chains' },
  contenders: [ours, bossFlow, bossNext, worker, bullmq],
  bars: [bar(bossFlow, 2, 3), bar(bossNext, 2, 3), bar(bullmq, 4, null), bar(limit, null, 0.85)],
});

const enqueue = (name: string, what: string, callers: number, bulk: number, bars: readonly Bar[]): Case => ({
  name,
  what,
  unit: 'chains/s',
  measure: { kind: 'enqueue', callers, bulk },
  contenders: [ours, bossNext, worker, bullmq],
  bars,
});

export const cases: readonly Case[] = [
  {
    name: 'own',
    what: 'chains of 4 steps that each write a row of their own',
    unit: 'steps/s',
    measure: { kind: 'steps', work: 'own', nodes: 1, count: 'chains' },
    contenders: [
      who('linekeeper', 'shared'),
      who('linekeeper', 'alone'),
      who('pg-boss', 'savepoint'),
      who('pg-boss', 'insert'),
      who('pg-boss', 'transaction'),
      worker,
    ],
    bars: [
      bar(who('pg-boss', 'savepoint'), 1.5, 2.5),
      bar(who('pg-boss', 'insert'), null, 1),
      bar(who('pg-boss', 'transaction'), null, null),
      bar(worker, 8, null),
    ],
  },
  {
    name: 'limit',
    what: 'the statements of chains of 4 no-op steps, driven by pgbench',
    unit: 'steps/s',
    measure: { kind: 'limit' },
    contenders: [limit],
    bars: [],
  },
  four(1),
  four(2),
  {
    name: 'drain',
    what: 'drain of single-step chains',
    unit: 'steps/s',
    measure: { kind: 'steps', work: 'single', nodes: 1, count: 'drain' },
    contenders: [ours, bossNext, worker, bullmq],
    bars: [bar(worker, 1, 1.25)],
  },
  {
    name: 'latency',
    what: 'a chain of 4 from its enqueue until its last step has run, at 20 chains/s',
    unit: 'ms p50',
    measure: { kind: 'latency', everyMs: 50 },
    contenders: [ours, who('pg-boss', 'notify'), worker, bullmq, who('bullmq', 'always')],
    bars: [bar(who('pg-boss', 'notify'), 0.6, null), bar(worker, 0.6, null), bar(who('bullmq', 'always'), null, 1)],
  },
  enqueue('enqueue', 'single enqueue, 16 callers', 16, 1, [bar(bossNext, 10, null), bar(bullmq, null, 1)]),
  enqueue('bulk', 'bulk enqueue, 1,000 at once, 2 callers', 2, 1_000, []),
];
