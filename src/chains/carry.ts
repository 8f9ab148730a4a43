/**
 * Carries a claimed chain from step to step until its row leaves this node.
 *
 * Run ahead: a step that succeeded without a callback has nothing to commit but its row. The next one, when it does nothing
 * outside the database either (`effects`), begins at once, beside the write of that row; nobody waits for it. What ends before
 * the row is sent is written with it (stretch.ts), what ends later is written when the row has come to it. When the row does not
 * come to it (a pause, a breaker, an urgent chain, a cancel) its result is dropped, and it was as if it had never begun.
 * Chains that have to do with others and steps that were tried before do not run ahead: what killed a process is then one step.
 */
import { childTraceparent } from '../../otel/traceparent.ts';
import type { Decision } from './decision.ts';
import type { Clock } from './environment.ts';
import { decided, type Executed } from './execute.ts';
import type { LaneQueue } from './lane-queue.ts';
import { isPlain, planOf } from './plan.ts';
import type { Plan } from './planned.ts';
import { type AnyStep, type Registry, stepAfter, stepOf } from './registry.ts';
import { type ClaimedChain, chainAfter, keyOf, type Run, RunAbort, RunAborted } from './run.ts';
import { type SettleContext, type Settled, settle } from './settle.ts';
import { noStopPoints, type StopPoints } from './stop-points.ts';
import { type AheadStep, Stretch } from './stretch.ts';
import { countTurns } from './turns.ts';

/** A chain that goes on here without a claim gives its lane back after so many steps, or so long. */
const continuationSteps = 16;
const continuationMs = 2_000;
/** What was begun in vain is not begun again for so long: a pause or an open breaker means its steps. */
const vainMs = 1_000;

export interface CarryContext {
  readonly held: Map<string, Run>;
  /** Runs that the rows do not know of yet. */
  readonly ahead: Set<Run>;
  readonly clock: Clock;
  readonly stopPoints: StopPoints;
  readonly registry: Registry;
  /** Whether a chain may go on to its next step here without a claim. */
  readonly continues: boolean;
  readonly settle: SettleContext;
  readonly isDraining: () => boolean;
  /** A number for each turn of the event loop. */
  readonly turn: () => number;
  readonly queue: LaneQueue;
  /** The handler, or what the engine says instead. */
  readonly begin: (run: Run, step: AnyStep | null) => Executed | Promise<Executed>;
  readonly onLeft: (run: Run, decision: Decision, settled: Settled) => void;
}

/** A run whose handler has returned. */
interface Ended {
  readonly run: Run;
  readonly executed: Executed;
  readonly endedMs: number;
  /** Null: it lost its chain, nothing is to be written. */
  readonly plan: Plan | null;
  /** It succeeded and has nothing to commit but its row. */
  readonly plain: boolean;
}

export function createCarry(outside: Omit<CarryContext, 'turn'>): (claimed: ClaimedChain) => Promise<void> {
  const context = { ...outside, turn: countTurns() };
  const vain: Vain = { untilMs: Number.NEGATIVE_INFINITY };
  return (claimed) => new Carry(context, vain).from(claimed);
}

interface Vain {
  untilMs: number;
}

class Carry {
  readonly #context: CarryContext;
  readonly #vain: Vain;
  readonly #beganMs: number;
  #steps = 0;
  /** That in which the rows last said that it may go on. */
  #turn = 0;
  /** What ran ahead and goes with the stretch. */
  #joined: Ended[] = noneJoined;
  /** What runs ahead, or has and comes after the stretch. */
  #ahead: Run | null = null;

  constructor(context: CarryContext, vain: Vain) {
    this.#context = context;
    this.#vain = vain;
    this.#beganMs = context.clock.monotonicMs();
  }

  async from(claimed: ClaimedChain): Promise<void> {
    let ended: Ended | null = await this.#end(this.#hold(claimed, false));
    while (ended !== null) ended = await this.#write(ended);
  }

  #hold(chain: ClaimedChain, ahead: boolean): Run {
    if (!ahead) this.#turn = this.#context.turn();
    const run: Run = {
      chain,
      key: ahead ? null : keyOf(chain.chainId, chain.token),
      startedMs: this.#context.clock.monotonicMs(),
      traceparent: childTraceparent(chain.traceparent),
      abort: new RunAbort(),
      phase: 'handling',
      progress: null,
      deadlineMs: Number.POSITIVE_INFINITY,
      deadlineAtMs: Number.POSITIVE_INFINITY,
    };
    if (run.key === null) this.#context.ahead.add(run);
    else this.#context.held.set(run.key, run);
    return run;
  }

  /** Runs its handler. The lane is the handler's: it is free again when that has returned. */
  async #end(run: Run): Promise<Ended> {
    const { registry, queue, stopPoints, clock } = this.#context;
    const { chainId, name, version, step: stepName } = run.chain;
    this.#steps += 1;
    const isLast = this.#steps >= continuationSteps;
    const definition = registry.find(name, version);
    const step = definition && stepOf(definition, stepName);
    const entered = queue.enter();
    let executed: Executed;
    let endedMs: number;
    if (entered === true || (await entered)) {
      run.startedMs = clock.monotonicMs();
      try {
        const stopped = stopPoints.reach('after-claim', chainId, stepName);
        if (stopped) await stopped;
        executed = await this.#context.begin(run, step);
      } finally {
        endedMs = clock.monotonicMs();
        queue.leave(endedMs - run.startedMs);
      }
    } else {
      endedMs = clock.monotonicMs();
      executed = decided({ kind: 'released', reason: 'no lane was free for it here' });
    }
    run.phase = 'completing';
    const stopped = stopPoints.reach('after-handler', chainId, stepName);
    if (stopped) await stopped;
    if (executed.decision.kind === 'lost') return { run, executed, endedMs, plan: null, plain: false };
    const next = definition && step ? stepAfter(definition, step.name) : null;
    const { continues, isDraining } = this.#context;
    const may = continues && !isLast && endedMs - this.#beganMs < continuationMs;
    const plan = planOf(run, executed.decision, step, next, () => may && !isDraining());
    const plain = isPlain(run, plan);
    if (plain && next?.effects.kind === 'none') {
      if (!continues) plan.staysSuspect = true;
      else if (may && this.#mayLead(run)) plan.stretch = new Stretch();
    }
    return { run, executed, endedMs, plan, plain };
  }

  /** The rows said in this turn that the chain may go on, and nothing has spoken against it since. */
  #mayLead(run: Run): boolean {
    return (
      run.chain.attempt === 1 &&
      this.#context.turn() === this.#turn &&
      this.#beganMs >= this.#vain.untilMs &&
      !this.#context.isDraining()
    );
  }

  /** Writes it, and runs ahead meanwhile. Resolves to what has ended after all that was written. */
  async #write(first: Ended): Promise<Ended | null> {
    const { run, plan } = first;
    let settled: Settled = { kind: 'lost' };
    if (plan === null) {
      const removed = this.#letGo(first);
      if (removed) await removed;
      this.#context.onLeft(run, first.executed.decision, settled);
      return null;
    }
    const { stretch } = plan;
    this.#joined = noneJoined;
    const settling = settle(this.#context.settle, run, plan);
    const running = stretch && this.#runAhead(first, stretch);
    let arrived = false;
    try {
      settled = await settling;
      if (this.#context.stopPoints !== noStopPoints) await this.#stopAfter(first);
      arrived = settled.kind === 'continue' && !stretch?.dropped.length;
    } finally {
      for (const one of [first, ...this.#joined]) {
        const removed = this.#letGo(one);
        if (removed) await removed;
      }
      if (arrived) this.#arrive();
      else if (running) await this.#giveUpAhead(running, stretch!);
    }
    this.#tell(first, settled, stretch);
    if (arrived && running) {
      const ended = await running;
      if (ended) return ended;
    }
    return settled.kind === 'continue' ? this.#end(this.#hold(settled.next, false)) : null;
  }

  /** Where a test may stop what was written. */
  async #stopAfter(first: Ended): Promise<void> {
    const { stopPoints } = this.#context;
    for (const one of [first, ...this.#joined]) {
      const { chainId, step } = one.run.chain;
      if (one !== first) await stopPoints.reach('after-commit', chainId, step);
      await stopPoints.reach('before-ack', chainId, step);
    }
  }

  /** Resolves to what has ended and is not written with the stretch; null: nothing. Never rejects. */
  async #runAhead(first: Ended, stretch: Stretch): Promise<Ended | null> {
    const { stopPoints } = this.#context;
    let last = first;
    do {
      const { nextStep, decision } = last.plan!;
      const { output } = decision as PlainSuccess;
      const at = { step: nextStep!, previous: JSON.parse(output), linked: null };
      this.#ahead = this.#hold(chainAfter(last.run, at), true);
      last = await this.#end(this.#ahead);
      if (!last.plain) return last;
      const stopped = stopPoints.reach('before-commit', last.run.chain.chainId, last.run.chain.step);
      if (stopped) await stopped;
      if (!stretch.add(aheadStepOf(last))) return last;
      if (this.#joined === noneJoined) this.#joined = [last];
      else this.#joined.push(last);
      this.#ahead = null;
    } while (last.plan!.stretch !== null);
    return null;
  }

  /** The row has come to what runs ahead. */
  #arrive(): void {
    this.#turn = this.#context.turn();
    const run = this.#ahead;
    this.#ahead = null;
    if (run === null) return;
    const { held, ahead } = this.#context;
    ahead.delete(run);
    run.key = keyOf(run.chain.chainId, run.chain.token);
    held.set(run.key, run);
  }

  /** The row does not come to it: its result counts for nothing. */
  async #giveUpAhead(running: Promise<Ended | null>, { dropped }: Stretch): Promise<void> {
    if (this.#ahead !== null || dropped.length > 0) this.#vain.untilMs = this.#context.clock.monotonicMs() + vainMs;
    this.#ahead?.abort.abort(new RunAborted('lost', 'the step before it did not lead to it after all'));
    this.#ahead = null;
    const ended = await running;
    const removed = ended && this.#letGo(ended);
    if (removed) await removed;
  }

  /** Null, or what is left to wait for. */
  #letGo({ run, executed }: Ended): Promise<void> | null {
    if (run.key === null) this.#context.ahead.delete(run);
    else this.#context.held.delete(run.key);
    return executed.opened?.removeSpool() ?? null;
  }

  #tell(first: Ended, settled: Settled, stretch: Stretch | null): void {
    const joined = stretch?.dropped.length ? noneJoined : this.#joined;
    let told = first;
    for (const following of joined) {
      const became: Settled = settled.kind === 'lost' ? settled : { kind: 'continue', next: following.run.chain };
      this.#context.onLeft(told.run, told.executed.decision, became);
      told = following;
    }
    this.#context.onLeft(told.run, told.executed.decision, settled);
  }
}

const noneJoined: Ended[] = [];

type PlainSuccess = Extract<Decision, { kind: 'succeeded' }>;

function aheadStepOf({ run, plan, endedMs }: Ended): AheadStep {
  const { output } = plan!.decision as PlainSuccess;
  const { nextStep, mayContinue } = plan!;
  const durationMs = endedMs - run.startedMs;
  return { run, durationMs, outcome: 'succeeded', reason: null, output, nextStep, mayContinue };
}
