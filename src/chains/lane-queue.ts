/**
 * Who has a lane: up to `count` handlers at once, and a queue before them.
 *
 * While handlers return within a millisecond or two, more chains are taken than lanes are free: a lane that is free would
 * otherwise wait for the next claim, which takes as long as many such handlers. They are this node's then, so that what waits
 * for longer than a second (handlers have become slow) is sent away: `enter` resolves to false, and another node may have it.
 */
export interface LaneQueue {
  /** True with a lane, which `leave` gives back, at once when one is free; false after a second without. */
  enter(): true | Promise<boolean>;
  /** The handler has returned after so long. */
  leave(tookMs: number): void;
  /** How many more could come now. */
  room(): number;
}

export interface LaneQueueOptions {
  readonly count: number;
  readonly nowMs: () => number;
  /** A lane is free and nobody waits for it. */
  readonly onFree: () => void;
}

interface Waiting {
  readonly sinceMs: number;
  readonly resolve: (entered: boolean) => void;
}

/** Chains for each lane while handlers are quick. */
const ahead = 8;
const quickMs = 2;
/** Nothing has returned for so long: whatever was quick before is not any more. */
const stalledMs = 20;
const longestWaitMs = 1_000;
/** A handler counts as at most so slow, so that some quick ones outweigh it. */
const slowestMs = 100;
const longestGone = 256;

export function createLaneQueue({ count, nowMs, onFree }: LaneQueueOptions): LaneQueue {
  let waiting: Waiting[] = [];
  /** Those before it have gone: an array that is shifted is moved each time. */
  let first = 0;
  let handling = 0;
  let usualMs = slowestMs;
  let returnedMs = Number.NEGATIVE_INFINITY;
  let isWatched = false;

  function next(): Waiting | undefined {
    const one = waiting[first];
    if (one === undefined) return undefined;
    first += 1;
    if (first >= longestGone) {
      waiting = waiting.slice(first);
      first = 0;
    }
    return one;
  }

  function watch(): void {
    if (isWatched || first === waiting.length) return;
    isWatched = true;
    setTimeout(() => {
      isWatched = false;
      const latestMs = nowMs() - longestWaitMs;
      while (first < waiting.length && waiting[first]!.sinceMs <= latestMs) next()!.resolve(false);
      watch();
    }, longestWaitMs / 4);
  }

  return {
    enter() {
      if (handling < count) {
        handling += 1;
        return true;
      }
      return new Promise((resolve) => {
        waiting.push({ sinceMs: nowMs(), resolve });
        watch();
      });
    },
    leave(tookMs) {
      usualMs += (Math.min(tookMs, slowestMs) - usualMs) / 16;
      returnedMs = nowMs();
      // given on without becoming free, so that no claim comes in between
      const following = next();
      if (following) {
        following.resolve(true);
        return;
      }
      handling -= 1;
      onFree();
    },
    room() {
      const isQuick = usualMs < quickMs && nowMs() - returnedMs < stalledMs;
      return (isQuick ? count * ahead : count) - handling - (waiting.length - first);
    },
  };
}
