/**
 * Ids on their way out. Bounded: beyond `mostIds` the older half is dropped and counted, because the sweep has found the
 * oldest by then.
 */
export interface Outbox {
  add(chainIds: readonly string[]): void;
  /** The oldest, at most `count`; they are gone from here. */
  take(count: number): string[];
  /** They were sent and lost. */
  lost(count: number): void;
  waiting(): number;
  dropped(): number;
}

export function createOutbox(mostIds: number): Outbox {
  let waiting: string[] = [];
  let dropped = 0;
  return {
    add(chainIds) {
      for (const chainId of chainIds) waiting.push(chainId);
      if (waiting.length <= mostIds) return;
      const kept = Math.ceil(mostIds / 2);
      dropped += waiting.length - kept;
      waiting = waiting.slice(-kept);
    },
    take: (count) => waiting.splice(0, count),
    lost(count) {
      dropped += count;
    },
    waiting: () => waiting.length,
    dropped: () => dropped,
  };
}
