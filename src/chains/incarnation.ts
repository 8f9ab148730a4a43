/**
 * One life of the engine under one boot id: its sessions, its lease, its lanes and two loops.
 *
 * - the lease loop registers the node, renews the lease every `beatMs` and looks after dead nodes
 * - the work loop sweeps, claims and fills free lanes, and waits for a signal at most `sweepMs`
 *
 * `ended` resolves to 'stopped' or 'declared-dead' (the owner then begins a new life) and rejects with anything the engine
 * did not foresee: that is its owner's crash. A database that is down parks both loops. `past`: see forerunner.ts.
 */
import { raiseBlocked, raiseQuarantined, reportChain } from './chain-alerts.ts';
import { claim, lowestPriorityOf } from './claim.ts';
import { releaseHeld } from './completion-sql.ts';
import type { Decision } from './decision.ts';
import type { Settings } from './environment.ts';
import { endForerunners } from './forerunner.ts';
import { createGroupCommit } from './group-commit.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { createLease, trackClaims } from './lease.ts';
import { createPatience } from './patience.ts';
import { proveWork } from './proof.ts';
import { createRecovery } from './recovery.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { Registry } from './registry.ts';
import { type Run, RunAborted } from './run.ts';
import { openSessions } from './sessions.ts';
import type { Settled } from './settle.ts';
import { createSharedCommit } from './shared-commit.ts';
import { blockUnknown, keepPauses, timersAtOnce, unblockKnown, wakeTimers } from './sweep.ts';
import { createWake, pause } from './wake.ts';

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
  let lastClaimMs: number | null = null;
  let lastBeatMs: number | null = null;
  let lastProofMs: number | null = null;
  let lastRefusal: Refusal | null = null;
  const beganMs = nowMs();
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

  const lanes = createLanes({
    count: settings.lanes,
    registry,
    settle: {
      bootId,
      sessions,
      group: createGroupCommit(sessions.engine, bootId),
      shared: createSharedCommit(sessions.shared, bootId),
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
      reportChain(settings, run, decision, settled);
    },
    onCrash: fail,
  });
  const lease = createLease({
    bootId,
    sessions,
    nodeInfo: settings.nodeInfo,
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

  let claimNumber = 0;
  let sweptMs = Number.NEGATIVE_INFINITY;
  let knownMs = Number.NEGATIVE_INFINITY;
  async function workTurn(): Promise<void> {
    if (!isRegistered) {
      await registered.wait(1_000, draining.signal);
      return;
    }
    if (nowMs() - (lastProofMs ?? beganMs) >= settings.proofMs) {
      await proveWork(sessions.engine, bootId);
      lastProofMs = nowMs();
      lastRefusal = null;
    }
    const sweep = { sessions, registry, stopPoints, held: lanes.held };
    if (nowMs() - knownMs >= settings.unknownAfterMs) {
      await unblockKnown(sweep);
      for (const chain of await blockUnknown(sweep, settings.unknownAfterMs)) raiseBlocked(settings.alerts, chain);
      knownMs = nowMs();
    }
    if (nowMs() - sweptMs >= settings.sweepMs) {
      const woken = await wakeTimers(sweep);
      const more = await keepPauses(sweep);
      // a full batch: there may be more, which need not wait for the next sweep
      if (woken < timersAtOnce && !more) sweptMs = nowMs();
    }
    const count = lanes.free();
    const lowestPriority = lowestPriorityOf(claimNumber);
    claimNumber += 1;
    const claimed = count === 0 || draining.signal.aborted ? [] : await claimInto(count, lowestPriority);
    if (count === 0) wasFull = true;
    if (count > 0 && (claimed.length === count || lowestPriority > 0)) return;
    await wake.wait(settings.sweepMs, draining.signal);
  }

  async function claimInto(count: number, lowestPriority: number): Promise<unknown[]> {
    const number = claims.begin();
    try {
      const claimed = await claim(sessions.engine, { bootId, count, lowestPriority, known: registry.known });
      lastClaimMs = nowMs();
      if (draining.signal.aborted) {
        // the stop came while the claim was under way: nothing has started, give the chains back
        const ids = claimed.map((chain) => chain.chainId);
        const tokens = claimed.map((chain) => chain.token);
        if (ids.length > 0) await sessions.engine.query(releaseHeld, [bootId, ids, tokens, 'the node stops']);
        return [];
      }
      for (const chain of claimed) lanes.take(chain);
      if (lanes.free() === 0) wasFull = true;
      return claimed;
    } finally {
      claims.end(number);
    }
  }

  const unsubscribe = settings.signals.subscribe(() => wake.wake());
  const noteRefusal = (error: unknown) => {
    lastRefusal = refusalOf(error, nowMs()) ?? lastRefusal;
  };
  const leasing = loop(end.signal, leaseTurn, (error) => {
    recovery.forget();
    // once registered, only the loop that proves may speak for it
    if (!isRegistered) noteRefusal(error);
  });
  const working = loop(draining.signal, workTurn, noteRefusal);

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
    lastClaimMs: () => lastClaimMs,
    lastBeatMs: () => lastBeatMs,
    lastProofMs: () => lastProofMs,
    lastRefusal: () => lastRefusal,
    wake: () => wake.wake(),
    stop,
  };
}

async function within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([promise, pause(Math.min(timeoutMs, 2 ** 31 - 1), over.signal)]);
  over.abort();
}
