/**
 * Signals are hints that chains are ready (law 1): losing every one of them only costs latency, because the sweep finds
 * the rows. So `publish` returns nothing to wait for, never throws, and may drop; a subscriber may be called twice for
 * one id, late, or never.
 */
import type { Room } from './room.ts';

export interface Signals {
  /** Tells whoever listens that these chains may be ready. Call it after the commit that made them so. */
  publish(...chainIds: readonly string[]): void;
  /**
   * `listener` is called soon after a publish, never inside it. Where nodes share hints, a subscriber with a `room` is given
   * what others published only as far as it has room for it; its own process's hints it hears all. Returns the end of the
   * subscription.
   */
  subscribe(listener: (chainIds: readonly string[]) => void, room?: Room): () => void;
}
