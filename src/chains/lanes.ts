/**
 * The lanes: up to N handlers at once. A chain is carried step by step until its row leaves this node; between its handlers,
 * while it is being committed, it has no lane. A handler's crash is a row;
 * what rejects out of a lane is the engine's own crash and goes to `onCrash`.
 */
import { childTraceparent } from '../../otel/traceparent.ts';
import { endStep, failedJoin } from './children.ts';
import type { Plan } from './completion.ts';
import { crashed, type Decision, decisionOfThrown } from './decision.ts';
import { unknownEffect, writeIntent } from './effects.ts';
import { type ExecuteContext, type Executed, execute } from './execute.ts';
import { createLaneQueue } from './lane-queue.ts';
import { type AnyStep, type Registry, stepAfter, stepOf } from './registry.ts';
import { type ClaimedChain, keyOf, type Run, RunAbort, type RunAborted } from './run.ts';
import { type SettleContext, type Settled, settle } from './settle.ts';
import { type SlotNeed, slotNeedOf } from './slots.ts';

/** A chain that goes on here without a claim gives its lane back after so many steps, or so long. */
const continuationSteps = 16;
const continuationMs = 2_000;

export interface LanesContext {
  readonly count: number;
  /** Whether a chain may go on to its next step here without a claim. */
  readonly continues: boolean;
  readonly registry: Registry;
  readonly settle: SettleContext;
  readonly execute: ExecuteContext;
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
  /** Aborts the handlers of all runs, or of those that `which` chooses. */
  abort(reason: RunAborted, which?: (run: Run) => boolean): void;
}

export function createLanes(context: LanesContext): Lanes {
  const held = new Map<string, Run>();
  const busy = new Set<Promise<void>>();
  const { clock, stopPoints } = context.execute;
  const queue = createLaneQueue({ count: context.count, nowMs: clock.monotonicMs, onFree: context.onFree });
  let draining = false;
  let carried = 0;

  function hold(chain: ClaimedChain): Run {
    const run: Run = {
      chain,
      key: keyOf(chain.chainId, chain.token),
      startedMs: clock.monotonicMs(),
      traceparent: childTraceparent(chain.traceparent),
      abort: new RunAbort(),
      phase: 'handling',
      progress: null,
      deadlineAtMs: Number.POSITIVE_INFINITY,
    };
    held.set(run.key, run);
    return run;
  }

  function free(): number {
    return Math.max(0, Math.min(queue.room(), mostHeld(context.count) - busy.size));
  }

  async function carry(claimed: ClaimedChain): Promise<void> {
    const beganMs = clock.monotonicMs();
    let steps = 1;
    let run: Run | null = hold(claimed);
    const mayContinue = () =>
      context.continues && !draining && steps < continuationSteps && clock.monotonicMs() - beganMs < continuationMs;
    while (run !== null) {
      const current: Run = run;
      try {
        const settled = await runStep(current, mayContinue);
        run = settled.kind === 'continue' ? hold(settled.next) : null;
        steps += 1;
      } finally {
        held.delete(current.key);
      }
    }
  }

  /** The lane is the handler's: it is free again when that has returned, and the completion belongs to the committer. */
  async function runStep(run: Run, mayContinue: () => boolean): Promise<Settled> {
    const { chainId } = run.chain;
    const definition = context.registry.find(run.chain.name, run.chain.version);
    const step = definition && stepOf(definition, run.chain.step);
    const executed = await inLane(run, step ?? null);
    const { decision } = executed;
    run.phase = 'completing';
    await stopPoints.reach('after-handler', chainId, run.chain.step);
    let settled: Settled = { kind: 'lost' };
    try {
      if (decision.kind !== 'lost') {
        settled = await settle(context.settle, run, planOf(run, decision, step ?? null, definition, mayContinue));
        await stopPoints.reach('before-ack', chainId, run.chain.step);
      }
    } finally {
      await executed.removeSpool();
    }
    context.onLeft(run, decision, settled);
    return settled;
  }

  async function inLane(run: Run, step: AnyStep | null): Promise<Executed> {
    if (!(await queue.enter())) return decided({ kind: 'released', reason: 'no lane was free for it here' });
    run.startedMs = clock.monotonicMs();
    try {
      await stopPoints.reach('after-claim', run.chain.chainId, run.chain.step);
      return await begin(run, step);
    } finally {
      queue.leave(clock.monotonicMs() - run.startedMs);
    }
  }

  /** The handler, unless the engine has the answer itself. */
  async function begin(run: Run, step: AnyStep | null): Promise<Executed> {
    const { chain } = run;
    const { linked } = chain;
    if (linked !== null && linked.failedChildren > 0) {
      const reason = await failedJoin(context.settle.sessions.engine, run);
      return decided({ kind: 'failed', reason, commit: null });
    }
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
    if (step.effects.kind === 'atMostOnce') {
      const intent = await intend(run);
      if (intent !== null) return decided(intent);
    }
    return execute(context.execute, run, step);
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
      const carrying: Promise<void> = carry(chain)
        .catch((error: unknown) => {
          if (!context.settle.signal.aborted) context.onCrash(error);
        })
        .finally(() => {
          busy.delete(carrying);
          context.onFree();
        });
      busy.add(carrying);
    },
    drain() {
      draining = true;
    },
    async idle() {
      while (busy.size > 0) await Promise.all(busy);
    },
    abort(reason, which = () => true) {
      for (const run of held.values()) if (which(run)) run.abort.abort(reason);
    },
  };
}

/** Chains that handle or complete at once: what waits to be committed is bounded too. */
function mostHeld(lanes: number): number {
  return Math.max(1_000, 4 * lanes);
}

function planOf(
  run: Run,
  decision: Plan['decision'],
  step: AnyStep | null,
  definition: Parameters<typeof stepAfter>[0] | null,
  mayContinue: () => boolean,
): Plan {
  const next = definition && step ? stepAfter(definition, step.name) : null;
  const nextStep = next?.name ?? null;
  try {
    const nextSlot = decision.kind === 'succeeded' ? slotNeedOf(next, run.chain.name, run.chain.input) : null;
    return { decision, step, nextStep, nextSlot, mayContinue };
  } catch (error) {
    const crash = crashed(error) as Plan['decision'];
    return { decision: crash, step, nextStep, nextSlot: null, mayContinue };
  }
}

function decided(decision: Decision): Executed {
  return { decision, removeSpool: () => null };
}

function unknownStep(run: Run): Executed {
  const { name, version, step } = run.chain;
  const reason = `this release does not know step ${step || '1'} of chain ${name} version ${version}`;
  return decided({ kind: 'blocked', reason });
}
