/**
 * The work of a node that holds a lease, one turn after the other: prove that work gets through, sweep, claim into free
 * lanes, and wait for a signal at most `sweepMs`. Errors are thrown: the loop around it waits the database out.
 */
import type { Room } from '../signals/room.ts';
import type { Breakers } from './breaker.ts';
import { raiseBlocked } from './chain-alerts.ts';
import { claim, lowestPriorityOf } from './claim.ts';
import { releaseHeld } from './completion-sql.ts';
import type { Settings } from './environment.ts';
import type { Lanes } from './lanes.ts';
import type { ClaimsInFlight } from './lease.ts';
import { createLowWater } from './low-water.ts';
import { proveWork } from './proof.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { Registry } from './registry.ts';
import type { ClaimedChain } from './run.ts';
import type { Sessions } from './sessions.ts';
import { createKeyedClaims } from './slots.ts';
import { blockUnknown, sweepOnce, unblockKnown } from './sweep.ts';
import type { Wake } from './wake.ts';

export interface WorkContext {
  readonly bootId: string;
  readonly settings: Settings;
  readonly registry: Registry;
  readonly sessions: Sessions;
  readonly lanes: Lanes;
  readonly claims: ClaimsInFlight;
  readonly breakers: Breakers;
  readonly draining: AbortSignal;
  readonly wake: Wake;
  /** What hints may still bring. */
  readonly room: Room;
  /** All lanes are busy. */
  readonly onFull: () => void;
}

export interface Work {
  turn(): Promise<void>;
  /** Monotonic times of the last claim and the last proof that got through (law 6). */
  lastClaimMs(): number | null;
  lastProofMs(): number | null;
  /** What the database last answered that takes no writes; null after a proof. */
  lastRefusal(): Refusal | null;
  noteRefusal(error: unknown): void;
}

export function createWork(context: WorkContext): Work {
  const { bootId, settings, registry, sessions, lanes, claims, breakers, draining, wake, room } = context;
  const nowMs = () => settings.clock.monotonicMs();
  const keyed = registry.hasSlots ? createKeyedClaims(sessions.engine) : null;
  const lowWater = createLowWater();
  const suspects = settings.suspects === 'take' ? null : settings.suspects === 'only';
  const beganMs = nowMs();
  let lastClaimMs: number | null = null;
  let lastProofMs: number | null = null;
  let lastRefusal: Refusal | null = null;
  let claimNumber = 0;
  let sweptMs = Number.NEGATIVE_INFINITY;
  let knownDueMs = Number.NEGATIVE_INFINITY;

  async function look(): Promise<void> {
    const sweep = { sessions, registry, stopPoints: settings.stopPoints, held: lanes.held };
    const lookedMs = nowMs();
    if (lookedMs >= knownDueMs) {
      await unblockKnown(sweep);
      for (const chain of await blockUnknown(sweep, settings.unknownAfterMs)) raiseBlocked(settings.alerts, chain);
      // all that is ready is read: at most for a twentieth of the time
      knownDueMs = nowMs() + Math.max(settings.unknownAfterMs, 20 * (nowMs() - lookedMs));
    }
    if (nowMs() - sweptMs < settings.sweepMs) return;
    const more = await sweepOnce(sweep);
    // a full batch: there may be more, which need not wait for the next sweep
    if (!(await breakers.sweep()) && !more) sweptMs = nowMs();
  }

  async function handOver(claimed: readonly ClaimedChain[]): Promise<readonly ClaimedChain[]> {
    if (!draining.aborted) {
      for (const chain of claimed) lanes.take(chain);
      return claimed;
    }
    // the stop came while the claim was under way: nothing has started, give the chains back
    const ids = claimed.map((chain) => chain.chainId);
    const tokens = claimed.map((chain) => chain.token);
    if (ids.length > 0) await sessions.engine.query(releaseHeld, [bootId, ids, tokens, 'the node stops']);
    settings.signals.publish(...ids);
    return [];
  }

  /** Resolves to how many were claimed. */
  async function claimInto(count: number, lowestPriority: number): Promise<number> {
    const number = claims.begin();
    try {
      const options = { bootId, lowestPriority, known: registry.known, suspects };
      // handed over at once: what the next claim runs into is nothing to them
      const withKeys = await handOver((await keyed?.claim({ ...options, count: Math.ceil(count / 2) })) ?? []);
      const rest = { ...options, count: count - withKeys.length, lowWater, nowMs };
      const others = await handOver(await claim(sessions.engine, rest));
      lastClaimMs = nowMs();
      room.set(lanes.free());
      if (lanes.free() === 0) context.onFull();
      return withKeys.length + others.length;
    } finally {
      claims.end(number);
    }
  }

  return {
    async turn() {
      if (nowMs() - (lastProofMs ?? beganMs) >= settings.proofMs) {
        await proveWork(sessions.engine, bootId);
        lastProofMs = nowMs();
        lastRefusal = null;
      }
      await look();
      const count = lanes.free();
      const lowestPriority = lowestPriorityOf(claimNumber);
      claimNumber += 1;
      const claimed = count === 0 || draining.aborted ? 0 : await claimInto(count, lowestPriority);
      if (count === 0) context.onFull();
      if (count > 0 && (claimed === count || lowestPriority > 0)) return;
      await wake.wait(settings.sweepMs, draining);
    },
    lastClaimMs: () => lastClaimMs,
    lastProofMs: () => lastProofMs,
    lastRefusal: () => lastRefusal,
    noteRefusal(error) {
      lastRefusal = refusalOf(error, nowMs()) ?? lastRefusal;
    },
  };
}
