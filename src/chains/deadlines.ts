/**
 * The deadlines of handlers: a run whose handler makes no progress for as long as its step allows is aborted. There is one
 * timer for all of them, set for the earliest: a timer for each would cost as much as a tenth of a step without work.
 */
import type { Clock } from './environment.ts';
import { type Run, RunAborted } from './run.ts';

export interface Deadlines {
  /** From now on the run has so long. */
  watch(run: Run, deadlineMs: number): void;
  /** It has made progress: it has that long again. */
  extend(run: Run): void;
}

const longestTimerMs = 2 ** 31 - 1;

/** `runs`: all that are held, watched or not. */
export function createDeadlines(clock: Clock, runs: () => Iterable<Run>): Deadlines {
  let timer: NodeJS.Timeout | undefined;
  let setForMs = Number.POSITIVE_INFINITY;

  function setFor(atMs: number, nowMs: number): void {
    if (atMs >= setForMs) return;
    clearTimeout(timer);
    setForMs = atMs;
    timer = setTimeout(look, Math.min(atMs - nowMs + 1, longestTimerMs));
    // whoever waits for a handler keeps the process alive, not its deadline
    timer.unref();
  }

  function look(): void {
    const nowMs = clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    setForMs = nextMs;
    for (const run of runs()) {
      if (run.abort.reason) continue;
      if (run.deadlineAtMs > nowMs) nextMs = Math.min(nextMs, run.deadlineAtMs);
      else run.abort.abort(new RunAborted('deadline', missed(run)));
    }
    setFor(nextMs, nowMs);
  }

  return {
    watch(run, deadlineMs) {
      const nowMs = clock.monotonicMs();
      run.deadlineMs = deadlineMs;
      run.deadlineAtMs = nowMs + deadlineMs;
      setFor(run.deadlineAtMs, nowMs);
    },
    extend(run) {
      if (run.deadlineAtMs !== Number.POSITIVE_INFINITY) run.deadlineAtMs = clock.monotonicMs() + run.deadlineMs;
    },
  };
}

function missed({ chain, deadlineMs }: Run): string {
  return `step ${chain.step} of chain ${chain.name} made no progress for ${deadlineMs} ms, its deadline`;
}
