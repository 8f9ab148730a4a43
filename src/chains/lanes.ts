/**
 * The lanes: up to N chains at once, each carried step by step until its row leaves this node. A handler's crash is a row;
 * what rejects out of a lane is the engine's own crash and goes to `onCrash`.
 */
import { childTraceparent } from '../../otel/traceparent.ts';
import type { Plan } from './completion.ts';
import type { Decision } from './decision.ts';
import { type ExecuteContext, type Executed, execute } from './execute.ts';
import { type AnyStep, type Registry, stepAfter, stepOf } from './registry.ts';
import { type ClaimedChain, keyOf, type Run, type RunAborted } from './run.ts';
import { type SettleContext, type Settled, settle } from './settle.ts';

/** A chain that goes on here without a claim gives its lane back after so many steps, or so long. */
const continuationSteps = 16;
const continuationMs = 2_000;

export interface LanesContext {
  readonly count: number;
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
  /** Carries a claimed chain; the caller has checked that a lane is free. */
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
  let draining = false;
  let carried = 0;

  function hold(chain: ClaimedChain): Run {
    const run: Run = {
      chain,
      key: keyOf(chain.chainId, chain.token),
      startedMs: clock.monotonicMs(),
      traceparent: childTraceparent(chain.traceparent),
      abort: new AbortController(),
      phase: 'handling',
      progress: null,
      deadlineAtMs: Number.POSITIVE_INFINITY,
    };
    held.set(run.key, run);
    return run;
  }

  async function carry(claimed: ClaimedChain): Promise<void> {
    const beganMs = clock.monotonicMs();
    let steps = 1;
    let run: Run | null = hold(claimed);
    const mayContinue = () => !draining && steps < continuationSteps && clock.monotonicMs() - beganMs < continuationMs;
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

  async function runStep(run: Run, mayContinue: () => boolean): Promise<Settled> {
    const { chainId } = run.chain;
    const definition = context.registry.find(run.chain.name, run.chain.version);
    const step = definition && stepOf(definition, run.chain.step);
    await stopPoints.reach('after-claim', chainId, run.chain.step);
    const executed = step ? await execute(context.execute, run, step) : unknownStep(run);
    const { decision } = executed;
    run.phase = 'completing';
    await stopPoints.reach('after-handler', chainId, run.chain.step);
    let settled: Settled = { kind: 'lost' };
    try {
      if (decision.kind !== 'lost') {
        settled = await settle(context.settle, run, planOf(decision, step ?? null, definition, mayContinue));
        await stopPoints.reach('before-ack', chainId, run.chain.step);
      }
    } finally {
      await executed.removeSpool();
    }
    context.onLeft(run, decision, settled);
    return settled;
  }

  return {
    held,
    free: () => context.count - busy.size,
    carried: () => carried,
    take(chain) {
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

function planOf(
  decision: Plan['decision'],
  step: AnyStep | null,
  definition: Parameters<typeof stepAfter>[0] | null,
  mayContinue: () => boolean,
): Plan {
  const nextStep = definition && step ? (stepAfter(definition, step.name)?.name ?? null) : null;
  return { decision, step, nextStep, mayContinue };
}

function unknownStep(run: Run): Executed {
  const { name, version, step } = run.chain;
  const reason = `this release does not know step ${step || '1'} of chain ${name} version ${version}`;
  return { decision: { kind: 'blocked', reason }, removeSpool: async () => {} };
}
