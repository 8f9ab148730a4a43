/**
 * The lanes: up to N handlers at once. A chain is carried step by step until its row leaves this node; between its handlers,
 * while it is being committed, it has no lane. A handler's crash is a row;
 * what rejects out of a lane is the engine's own crash and goes to `onCrash`.
 */

import { createCarry } from './carry.ts';
import { endStep, failedJoin } from './children.ts';
import { createDeadlines } from './deadlines.ts';
import { crashed, type Decision, decisionOfThrown } from './decision.ts';
import { unknownEffect, writeIntent } from './effects.ts';
import type { Clock } from './environment.ts';
import { decided, type ExecuteContext, type Executed, execute } from './execute.ts';
import { createLaneQueue } from './lane-queue.ts';
import type { AnyStep, Registry } from './registry.ts';
import { type ClaimedChain, keyOf, type Run, type RunAborted } from './run.ts';
import type { SettleContext, Settled } from './settle.ts';
import { type SlotNeed, slotNeedOf } from './slots.ts';

export interface LanesContext {
  readonly count: number;
  /** Whether a chain may go on to its next step here without a claim. */
  readonly continues: boolean;
  readonly registry: Registry;
  readonly settle: SettleContext;
  readonly execute: Omit<ExecuteContext, 'deadlines' | 'onProgress'> & { readonly clock: Clock };
  /** A lane is free again, and rows may have become ready. */
  readonly onFree: () => void;
  readonly onLeft: (run: Run, decision: Decision, settled: Settled) => void;
  readonly onCrash: (error: unknown) => void;
}

export interface Lanes {
  readonly held: ReadonlyMap<string, Run>;
  free(): number;
  /** Chains taken so far. */
  carried(): number;
  /** Carries a claimed chain; the caller has checked that there is room. */
  take(chain: ClaimedChain): void;
  /** From now on no chain goes on to its next step here. */
  drain(): void;
  /** Resolves when no lane is busy. */
  idle(): Promise<void>;
  /** Aborts the handlers of all runs, or of those that `which` chooses; how many. */
  abort(reason: RunAborted, which?: (run: Run) => boolean): number;
}

export function createLanes(context: LanesContext): Lanes {
  const held = new Map<string, Run>();
  const ahead = new Set<Run>();
  const { clock, stopPoints } = context.execute;
  function* all(): Iterable<Run> {
    yield* held.values();
    yield* ahead;
  }
  const deadlines = createDeadlines(clock, all);
  const outside: ExecuteContext = {
    ...context.execute,
    deadlines,
    onProgress(run, done, total, unit) {
      run.progress = { done, total, unit };
      deadlines.extend(run);
      void stopPoints.reach('mid-handler', run.chain.chainId, run.chain.step);
    },
  };
  const queue = createLaneQueue({ count: context.count, nowMs: clock.monotonicMs, onFree: context.onFree });
  let draining = false;
  const carryOn = createCarry({
    held,
    ahead,
    clock,
    stopPoints,
    registry: context.registry,
    continues: context.continues,
    settle: context.settle,
    isDraining: () => draining,
    queue,
    begin,
    onLeft: context.onLeft,
  });
  let carried = 0;
  let busy = 0;
  const onIdle: (() => void)[] = [];

  function free(): number {
    return Math.max(0, Math.min(queue.room(), mostHeld(context.count) - busy));
  }

  function carry(claimed: ClaimedChain): void {
    busy += 1;
    void carryOn(claimed).then(left, (error: unknown) => {
      if (!context.settle.signal.aborted) context.onCrash(error);
      left();
    });
  }

  function left(): void {
    busy -= 1;
    if (busy === 0) for (const resolve of onIdle.splice(0)) resolve();
    context.onFree();
  }

  /** The handler, unless the engine has the answer itself. */
  function begin(run: Run, step: AnyStep | null): Executed | Promise<Executed> {
    const { chain } = run;
    const { linked } = chain;
    if (linked !== null && linked.failedChildren > 0) return joinFailed(run);
    if (chain.step === endStep) {
      return decided({ kind: 'succeeded', output: JSON.stringify(chain.previous), commit: null, children: [] });
    }
    if (!step) return unknownStep(run);
    let slot: SlotNeed | null;
    try {
      slot = slotNeedOf(step, chain.name, chain.input);
    } catch (error) {
      return decided(crashed(error));
    }
    if (slot !== null && slot.key !== linked?.slotKey) return decided({ kind: 'keyed', slot });
    return step.effects.kind === 'atMostOnce' ? beginOnce(run, step) : execute(outside, run, step);
  }

  async function joinFailed(run: Run): Promise<Executed> {
    const reason = await failedJoin(context.settle.sessions.engine, run);
    return decided({ kind: 'failed', reason, commit: null });
  }

  async function beginOnce(run: Run, step: AnyStep): Promise<Executed> {
    const intent = await intend(run);
    return intent === null ? execute(outside, run, step) : decided(intent);
  }

  /** Null: the intent is written, the handler may begin. */
  async function intend(run: Run): Promise<Decision | null> {
    const { sessions, bootId } = context.settle;
    try {
      const intent = await writeIntent(sessions.engine, bootId, run);
      if (intent === 'written') return null;
      if (intent === 'lost') return { kind: 'lost', reason: 'the chain was taken away before its step began' };
      return { kind: 'unknown', reason: unknownEffect(run) };
    } catch (error) {
      // nothing has begun: it is waited out like a read that the database did not serve
      return decisionOfThrown(run, error);
    }
  }

  return {
    held,
    free,
    carried: () => carried,
    take(chain) {
      // the server crashed before that claim was on its disk: the run that it led to is this one's
      if (held.has(keyOf(chain.chainId, chain.token))) return;
      carried += 1;
      carry(chain);
    },
    drain() {
      draining = true;
    },
    async idle() {
      if (busy > 0) await new Promise<void>((resolve) => onIdle.push(resolve));
    },
    abort(reason, which = () => true) {
      const chosen = [...all()].filter(which);
      for (const run of chosen) run.abort.abort(reason);
      return chosen.length;
    },
  };
}

/** Chains that handle or complete at once: what waits to be committed is bounded too. */
function mostHeld(lanes: number): number {
  return Math.max(1_000, 4 * lanes);
}

function unknownStep(run: Run): Executed {
  const { name, version, step } = run.chain;
  const reason = `this release does not know step ${step || '1'} of chain ${name} version ${version}`;
  return decided({ kind: 'blocked', reason });
}
