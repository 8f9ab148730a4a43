/**
 * What the subscribers of this process could take together. A subscriber without a room takes everything, and none at all
 * wants nothing.
 */
import type { Room } from './room.ts';

export interface Demand {
  /** Returns how to take it out again. */
  add(room: Room | undefined): () => void;
  free(): number;
  /** Resolves when somebody has room; at once when that is so now. */
  wanted(signal: AbortSignal): Promise<void>;
  /** How often subscribers have looked at the rows so far; it grows when they change, too. */
  looks(): number;
  /** Resolves when they have looked more often than that; at once while none of them looks. */
  looked(than: number, signal: AbortSignal): Promise<void>;
}

export function createDemand(): Demand {
  const rooms = new Map<symbol, Room | undefined>();
  const waiters = new Set<() => void>();
  let looks = 0;
  const tell = () => {
    looks += 1;
    for (const waiter of [...waiters]) waiter();
  };

  function next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const forget = () => {
        waiters.delete(told);
        signal.removeEventListener('abort', aborted);
      };
      const told = () => {
        forget();
        resolve();
      };
      const aborted = () => {
        forget();
        reject(signal.reason as Error);
      };
      waiters.add(told);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  function free(): number {
    let sum = 0;
    for (const room of rooms.values()) sum += room ? room.free() : Number.POSITIVE_INFINITY;
    return sum;
  }

  return {
    add(room) {
      const key = Symbol('subscriber');
      rooms.set(key, room);
      const unsubscribe = room?.onSet(tell);
      tell();
      return () => {
        unsubscribe?.();
        if (rooms.delete(key)) tell();
      };
    },
    free,
    async wanted(signal) {
      signal.throwIfAborted();
      while (free() <= 0) await next(signal);
    },
    looks: () => looks,
    async looked(than, signal) {
      const looking = () => [...rooms.values()].some((room) => room !== undefined);
      while (looks <= than && looking()) await next(signal);
    },
  };
}
