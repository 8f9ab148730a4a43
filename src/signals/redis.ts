/**
 * Signals over a Redis stream: what a node publishes reaches its own listeners as in-process, and through Redis a node that
 * has room for it. Redis being away is a state: up, probing, down(since). Until it is back hints go nowhere, publishing
 * neither waits nor throws, what waits is bounded, and it is tried again after a random 0.2 s to at most 5 s, growing.
 *
 * It begins with `start`, when the application is known that the prefix has to belong to. A prefix of another one is `down`
 * too, with a `PrefixOwnedError`: it may be let go.
 */
import { createDemand } from './demand.ts';
import { inProcessSignals } from './in-process.ts';
import { createOutbox } from './outbox.ts';
import { type Application, PrefixOwnedError } from './prefix-owner.ts';
import { openSession, type Session, type Timing, usualTiming } from './redis-session.ts';
import type { Signals } from './signals.ts';

export type SignalsState =
  | { readonly kind: 'up'; readonly sinceMs: number }
  | { readonly kind: 'probing'; readonly sinceMs: number }
  | { readonly kind: 'down'; readonly sinceMs: number; readonly failures: number; readonly error: Error };

export interface RedisSignals extends Signals {
  /** From now on for this application. Once. */
  start(application: Application): void;
  state(): SignalsState;
  /** Called after every change; returns how to stop that. */
  onState(listener: (state: SignalsState) => void): () => void;
  /** Ids that wait to be sent, and those that were dropped so far. */
  status(): { readonly waiting: number; readonly dropped: number };
  /** Idempotent. */
  stop(): void;
}

export interface RedisSignalsOptions {
  readonly url: string;
  readonly prefix: string;
  /** The consumer's name in the group; new for every process. */
  readonly bootId: string;
  readonly onError: (error: unknown) => void;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since 1970, only to be shown. */
  readonly wallMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly timing?: Partial<Timing>;
  /** Most ids that wait while Redis is away. Default 8,192. */
  readonly mostWaiting?: number;
  /** Before trying again. Defaults 200 and 5,000 ms. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
}

/** A Redis that answers and then fails at once, again and again, is not tried any faster than one that is away. */
const soundAfterMs = 5_000;

export function redisSignals(options: RedisSignalsOptions): RedisSignals {
  const { nowMs, random, minDelayMs = 200, maxDelayMs = 5_000 } = options;
  const here = inProcessSignals(options.onError);
  const outbox = createOutbox(options.mostWaiting ?? 8_192);
  const demand = createDemand();
  const listeners = new Set<(state: SignalsState) => void>();
  let state: SignalsState = { kind: 'probing', sinceMs: nowMs() };
  let session: Session | null = null;
  let looksAtPublish = 0;
  let flushWanted = false;
  let started = false;
  let stopped = false;
  let cancelPause = () => {};

  function enter(next: SignalsState): void {
    state = next;
    for (const listener of [...listeners]) listener(next);
  }

  function failed(error: Error): void {
    const failures = state.kind === 'down' ? state.failures + 1 : 1;
    enter({ kind: 'down', sinceMs: state.kind === 'up' ? nowMs() : state.sinceMs, failures, error });
  }

  async function live(application: Application): Promise<void> {
    /** Sessions that could not be opened or were short. */
    let inARow = 0;
    while (!stopped) {
      try {
        session = await openSession({
          url: options.url,
          prefix: options.prefix,
          application,
          consumer: options.bootId,
          demand,
          outbox,
          deliver: (chainIds) => here.publish(...chainIds),
          looksAtPublish: () => looksAtPublish,
          timing: { ...usualTiming, ...options.timing },
          nowMs,
          wallMs: options.wallMs,
        });
        const beganMs = nowMs();
        if (stopped) session.close();
        else enter({ kind: 'up', sinceMs: beganMs });
        session.flush();
        const reason = await session.ended;
        session = null;
        if (nowMs() - beganMs >= soundAfterMs) inARow = 0;
        if (reason instanceof PrefixOwnedError) failed(reason);
        else if (!stopped) enter({ kind: 'probing', sinceMs: nowMs() });
      } catch (error) {
        failed(error as Error);
      }
      if (!stopped) await pause(inARow);
      inARow += 1;
    }
  }

  /** At once for nobody: all nodes lose Redis at the same moment. */
  function pause(failures: number): Promise<void> {
    const ceilingMs = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(failures, 20));
    return new Promise((resolve) => {
      const timer = setTimeout(
        resolve,
        failures === 0 ? random() * minDelayMs : minDelayMs + random() * (ceilingMs - minDelayMs),
      );
      cancelPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    publish(...chainIds) {
      if (chainIds.length === 0 || stopped) return;
      looksAtPublish = demand.looks();
      here.publish(...chainIds);
      outbox.add(chainIds);
      if (flushWanted) return;
      flushWanted = true;
      // what is published in this turn goes together
      setImmediate(() => {
        flushWanted = false;
        session?.flush();
      });
    },
    subscribe(listener, room) {
      const leave = demand.add(room);
      const end = here.subscribe(listener);
      return () => {
        leave();
        end();
      };
    },
    start(application) {
      if (started) return;
      started = true;
      void live(application);
    },
    state: () => state,
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    status: () => ({ waiting: outbox.waiting(), dropped: outbox.dropped() }),
    stop() {
      stopped = true;
      cancelPause();
      session?.close();
    },
  };
}
