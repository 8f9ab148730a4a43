/**
 * The engine of one node: claims chains, runs their steps in lanes, completes them under laws 1 to 3 and keeps the lease.
 *
 * Life cycle: `start` returns at once, also while the database is away; `ended` resolves after `stop` and rejects when the
 * engine itself crashed (its owner then makes a new one; what it held is freed as a dead node's). `stop` is idempotent and
 * safe before `start`. A node that was declared dead drops what it ran and goes on under a new boot id by itself. So does one
 * whose database moved to another host (forerunner.ts says why), and gives back what the rows there say it still runs.
 */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../database/session.ts';
import { breakerLimits } from './breaker-limits.ts';
import { cancelChain, resolveChainAlerts } from './commands.ts';
import type { EngineOptions, Settings } from './environment.ts';
import { type Incarnation, startIncarnation } from './incarnation.ts';
import { createRegistry } from './registry.ts';
import { describeRun, type Run, RunAborted, type RunningStep } from './run.ts';
import { noStopPoints } from './stop-points.ts';

export interface EngineStatus {
  readonly bootId: string | null;
  readonly lanes: number;
  readonly busy: number;
  /** Chains taken into a lane so far. */
  readonly carried: number;
  /** How long ago the last claim and the last beat got through; null before the first. */
  readonly claimedMsAgo: number | null;
  readonly beatMsAgo: number | null;
  /** How long ago a row of this node's own last went through claim, completion and commit; null before the first. */
  readonly provenMsAgo: number | null;
  /** Since the last proof the database answered that it takes no writes: how long ago, and why. */
  readonly refused: { readonly msAgo: number; readonly why: string } | null;
}

export interface Engine {
  start(): void;
  readonly ended: Promise<void>;
  /** Claims nothing more; aborts handlers at the deadline and gives their chains back with their attempt. */
  stop(deadlineMs: number): Promise<void>;
  running(): RunningStep[];
  status(): EngineStatus;
  /** Looks at the rows now instead of at the next sweep. */
  wake(): void;
  /** `cancelChain`, and the abort of the handler at once if it runs here. */
  cancel(database: Database, chainId: string, who: string, why?: string): Promise<void>;
  /** Charges an unhandled rejection to the run of that chain; false when it does not run here. */
  crashRun(chainId: string, error: Error): boolean;
}

export function createEngine(options: EngineOptions): Engine {
  const settings: Settings = {
    lanes: 64,
    leaseMs: 6_000,
    beatMs: 2_000,
    sweepMs: 250,
    proofMs: 5_000,
    stepDeadlineMs: 15 * 60_000,
    quarantineAfter: 10,
    unknownAfterMs: 5_000,
    suspects: 'take',
    breaker: breakerLimits,
    stopPoints: noStopPoints,
    onMoved: () => () => {},
    ...options,
    spoolRoot: options.spoolRoot ?? join(tmpdir(), 'linekeeper-spool'),
  };
  const registry = createRegistry(settings.definitions);
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  ended.catch(() => {});
  let current: Incarnation | null = null;
  let carriedBefore = 0;
  let started = false;
  let stopping: Promise<void> | null = null;

  /** Boot ids of lives that a move ended. */
  const forerunners: string[] = [];

  async function live(): Promise<void> {
    while (!stopping) {
      current = startIncarnation(settings, registry, randomUUID(), [...forerunners]);
      if ((await current.ended) === 'stopped') return;
      carriedBefore += current.lanes.carried();
    }
  }

  const runs = () => [...(current?.lanes.held.values() ?? [])];
  const refused = () => {
    const last = current?.lastRefusal() ?? null;
    return (
      last && { msAgo: Math.round(settings.clock.monotonicMs() - last.atMs), why: `${last.message} (${last.code})` }
    );
  };
  const ago = (atMs: number | null) => (atMs === null ? null : Math.round(settings.clock.monotonicMs() - atMs));

  return {
    ended,
    start() {
      if (started || stopping) return;
      started = true;
      const unsubscribe = settings.onMoved(() => {
        if (current?.abandon('the database moved to another host')) forerunners.push(current.bootId);
      });
      live().finally(unsubscribe).then(resolve, reject);
    },
    stop(deadlineMs) {
      stopping ??= (async () => {
        await current?.stop(deadlineMs);
        if (!started) resolve();
        await ended.catch(() => {});
      })();
      return stopping;
    },
    running: () => runs().map((run) => describeRun(run, settings.clock)),
    status: () => ({
      bootId: current?.bootId ?? null,
      lanes: settings.lanes,
      busy: current ? settings.lanes - current.lanes.free() : 0,
      carried: carriedBefore + (current?.lanes.carried() ?? 0),
      claimedMsAgo: ago(current?.lastClaimMs() ?? null),
      beatMsAgo: ago(current?.lastBeatMs() ?? null),
      provenMsAgo: ago(current?.lastProofMs() ?? null),
      refused: refused(),
    }),
    wake: () => current?.wake(),
    async cancel(database, chainId, who, why) {
      await cancelChain(database, chainId, who, why);
      resolveChainAlerts(settings.alerts, chainId);
      current?.lanes.abort(
        new RunAborted('lost', `chain ${chainId} was cancelled by ${who}`),
        (run) => run.chain.chainId === chainId && run.phase === 'handling',
      );
    },
    crashRun(chainId, error) {
      const reason = new RunAborted('crashed', error.message, { cause: error });
      const isIts = (run: Run) => run.chain.chainId === chainId && run.phase === 'handling';
      return (current?.lanes.abort(reason, isIts) ?? 0) > 0;
    },
  };
}
