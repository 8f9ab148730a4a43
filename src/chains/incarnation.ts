/**
 * One life of the engine under one boot id: its sessions, its lease, its lanes and two loops.
 *
 * - the lease loop registers the node, renews the lease every `beatMs` and looks after dead nodes
 * - the work loop sweeps, claims and fills free lanes, and waits for a signal at most `sweepMs`
 *
 * `ended` resolves to 'stopped' or 'declared-dead' (the owner then begins a new life) and rejects with anything the engine
 * did not foresee: that is its owner's crash. A database that is down parks both loops. `past`: see forerunner.ts.
 */
import { createRoom } from '../signals/room.ts';
import { createBreakers } from './breaker.ts';
import { raiseQuarantined, reportChain } from './chain-alerts.ts';
import type { Decision } from './decision.ts';
import type { Settings } from './environment.ts';
import { endForerunners } from './forerunner.ts';
import { createGroupCommit } from './group-commit.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { createLease, trackClaims } from './lease.ts';
import { createPatience } from './patience.ts';
import { createRecovery } from './recovery.ts';
import type { Refusal } from './refusal.ts';
import type { Registry } from './registry.ts';
import { type Run, RunAborted } from './run.ts';
import { openSessions } from './sessions.ts';
import type { Settled } from './settle.ts';
import { createSharedCommit } from './shared-commit.ts';
import { createWake, pause } from './wake.ts';
import { createWork } from './work.ts';

export interface Incarnation {
  readonly bootId: string;
  readonly lanes: Lanes;
  readonly ended: Promise<'stopped' | 'declared-dead'>;
  /** Monotonic time of the last claim and renewal that got through; for health. */
  readonly lastClaimMs: () => number | null;
  readonly lastBeatMs: () => number | null;
  /** When a row of this node's own last went through claim, completion and commit (law 6). */
  readonly lastProofMs: () => number | null;
  /** What the database last answered that takes no writes; null after a proof. */
  readonly lastRefusal: () => Refusal | null;
  wake(): void;
  /** Ends as if it had been declared dead; false when it is ending already. */
  abandon(why: string): boolean;
  /** Drains until the deadline, then aborts and releases what is left. Never rejects. */
  stop(deadlineMs: number): Promise<void>;
}

/** How long releasing and closing may take after a stop's deadline before they are left to recovery. */
const releaseMs = 3_000;

export function startIncarnation(settings: Settings, registry: Registry, bootId: string, past: string[]): Incarnation {
  const { log, clock, availability, random, stepDeadlineMs, stopPoints } = settings;
  const nowMs = () => clock.monotonicMs();
  /** Hard end: nothing of this life may wait any longer. */
  const end = new AbortController();
  const draining = new AbortController();
  const registered = createWake();
  const wake = createWake();
  const claims = trackClaims();
  const sessions = openSessions(settings.open, bootId, (error) => {
    if (!end.signal.aborted) availability.report(error);
  });
  let isRegistered = false;
  let wasFull = false;
  let lastBeatMs: number | null = null;
  let outcome: 'stopped' | 'declared-dead' = 'stopped';
  let crash: { error: unknown } | null = null;

  const fail = (error: unknown) => {
    if (end.signal.aborted) return;
    crash = { error };
    halt(new RunAborted('lost', 'the engine crashed'));
  };
  const halt = (reason: RunAborted) => {
    draining.abort(reason);
    lanes.abort(reason);
    end.abort(reason);
  };
  const abandon = (why: string) => {
    if (end.signal.aborted) return false;
    outcome = 'declared-dead';
    halt(new RunAborted('lost', why));
    return true;
  };

  const onParents = (ids: readonly string[]) => {
    settings.signals.publish(...ids);
    if (ids.length > 0) wake.wake();
  };
  const breakers = createBreakers({
    engine: sessions.engine,
    alerts: settings.alerts,
    nowMs,
    limits: settings.breaker,
    onError: (error) => {
      // a breaker that could not be written is tried again at the next crash
      if (!end.signal.aborted) log.warn({ err: error }, 'a breaker was not kept');
    },
  });
  const lanes = createLanes({
    count: settings.lanes,
    // a suspect that got through is none any more: the others may have it
    continues: settings.suspects !== 'only',
    registry,
    settle: {
      bootId,
      registry,
      sessions,
      group: createGroupCommit(sessions.engine, bootId, onParents),
      shared: createSharedCommit(sessions.shared, bootId, onParents),
      onParents,
      stopPoints,
      random,
      nowMs,
      stepDeadlineMs,
      availability,
      log,
      signal: end.signal,
    },
    execute: { reads: sessions.reads, log, clock, spoolRoot: settings.spoolRoot, stopPoints, stepDeadlineMs },
    onFree: () => wake.wake(),
    onLeft: (run: Run, decision: Decision, settled: Settled) => {
      wake.wake();
      breakers.note(run, decision);
      // whoever stops does not go on with it, and the others would wait for their sweep
      const isReady = settled.kind === 'left' && settled.state === 'ready';
      if (isReady && draining.signal.aborted) settings.signals.publish(run.chain.chainId);
      reportChain(settings, run, decision, settled);
    },
    onCrash: fail,
  });
  const lease = createLease({
    bootId,
    sessions,
    nodeInfo: settings.nodeInfo,
    suspects: settings.suspects === 'only',
    leaseMs: settings.leaseMs,
    beatMs: settings.beatMs,
    nowMs,
    held: lanes.held,
    claims,
    alwaysFree: () => {
      const free = !wasFull && !draining.signal.aborted;
      wasFull = lanes.free() === 0;
      return free;
    },
    onReleased: (chainIds) => {
      log.warn({ chainIds }, 'released rows of this node that no run held');
      wake.wake();
    },
  });
  const recovery = createRecovery({
    bootId,
    sessions,
    leaseMs: settings.leaseMs,
    nowMs,
    quarantineAfter: settings.quarantineAfter,
    log,
    stopPoints,
    onParents,
    onFreed: (freed) => {
      wake.wake();
      for (const chain of freed) if (chain.state === 'quarantined') raiseQuarantined(settings.alerts, chain);
    },
  });

  /** Repeats `turn` until the signal aborts; waits out the database; anything else ends this life as a crash. */
  async function loop(signal: AbortSignal, turn: () => Promise<void>, onWait: (error: unknown) => void): Promise<void> {
    const patience = createPatience(availability, random);
    while (!signal.aborted) {
      try {
        await availability.whenUp(signal);
        await turn();
        patience.reset();
      } catch (error) {
        if (signal.aborted) return;
        try {
          onWait(error);
          if (await patience.waitOut(error, signal)) continue;
        } catch {
          return;
        }
        fail(error);
        return;
      }
    }
  }

  async function leaseTurn(): Promise<void> {
    if (!isRegistered) {
      await endForerunners(sessions.engine, past);
      await lease.register();
      isRegistered = true;
      registered.wake();
    }
    if ((await lease.renew()) === 'declared-dead') {
      log.warn({ node: bootId }, 'this node was declared dead; it goes on under a new boot id');
      abandon('the node was declared dead');
      return;
    }
    lastBeatMs = nowMs();
    await recovery.observe();
    await pause(settings.beatMs, end.signal);
  }

  const room = createRoom(lanes.free);
  draining.signal.addEventListener('abort', () => room.set(0));
  const work = createWork({
    bootId,
    settings,
    registry,
    sessions,
    lanes,
    claims,
    breakers,
    draining: draining.signal,
    wake,
    room,
    onFull: () => {
      wasFull = true;
    },
  });
  async function workTurn(): Promise<void> {
    if (isRegistered) await work.turn();
    else await registered.wait(1_000, draining.signal);
  }

  const unsubscribe = settings.signals.subscribe(() => wake.wake(), room);
  const leasing = loop(end.signal, leaseTurn, (error) => {
    recovery.forget();
    // once registered, only the loop that proves may speak for it
    if (!isRegistered) work.noteRefusal(error);
  });
  const working = loop(draining.signal, workTurn, work.noteRefusal);

  async function finish(): Promise<'stopped' | 'declared-dead'> {
    await Promise.all([leasing, working]);
    unsubscribe();
    await sessions.close(releaseMs);
    if (crash) throw crash.error;
    return outcome;
  }
  const ended = finish();
  ended.catch(() => {});

  async function stop(deadlineMs: number): Promise<void> {
    lanes.drain();
    draining.abort(new RunAborted('stopped', 'the node stops'));
    if (isRegistered) void lease.setState('draining').catch(() => {});
    // the work loop first: a claim that was under way may still hand over or give back
    const drained = working.then(() => lanes.idle());
    await within(drained, deadlineMs);
    lanes.abort(new RunAborted('stopped', 'the node stopped before the step was done'));
    await within(drained, releaseMs);
    if (isRegistered)
      await within(
        lease.setState('ended').catch(() => {}),
        releaseMs,
      );
    end.abort(new RunAborted('stopped', 'the node stopped'));
    await ended.catch(() => {});
  }

  return {
    bootId,
    abandon,
    lanes,
    ended,
    lastClaimMs: work.lastClaimMs,
    lastBeatMs: () => lastBeatMs,
    lastProofMs: work.lastProofMs,
    lastRefusal: work.lastRefusal,
    wake: () => wake.wake(),
    stop,
  };
}

async function within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([promise, pause(Math.min(timeoutMs, 2 ** 31 - 1), over.signal)]);
  over.abort();
}
