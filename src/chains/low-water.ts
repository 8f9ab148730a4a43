/**
 * Where the next claim begins to read the ready index, for each priority.
 *
 * Every claim leaves a dead entry behind. Vacuum removes it, unless a session somewhere sits in an old transaction: then they
 * pile up at the front of the index, and a claim that begins there reads them all, every time. So a claim begins a second
 * before the last chain that was claimed of that priority. What is ready in front of that (released, given back by a pause,
 * of a transaction that took long to commit) is found by claims that begin at zero, as often as they take at most a twentieth
 * of the time: while nothing holds vacuum back that is nearly every claim, one that takes 50 ms comes every second, and at
 * the latest it comes after four seconds, before the audit would miss anything.
 */
import { priorities } from './priority.ts';

/** For each priority from 0 on the earliest `run_at` to look at, in seconds since 1970 by the database's clock. */
export type Beginning = readonly number[];

export const fromZero: Beginning = Object.values(priorities).map(() => Number.NEGATIVE_INFINITY);

/** What a claim took: its place in the index. */
export interface ClaimedPlace {
  readonly priority: number;
  readonly runAtS: number;
}

/** Transactions commit in another order than they began. */
const marginS = 1;
const shareOfTime = 20;
const longestMs = 4_000;

export interface LowWater {
  /** Where a claim that begins now begins. */
  begin(nowMs: number): Beginning;
  /** What the claim from `beginning` took, in any order. */
  end(beginning: Beginning, claimed: readonly ClaimedPlace[], beganMs: number, endedMs: number): void;
}

export function createLowWater(): LowWater {
  const marks = [...fromZero];
  let zeroDueMs = Number.NEGATIVE_INFINITY;
  return {
    begin: (nowMs) => (nowMs >= zeroDueMs ? fromZero : [...marks]),
    end(beginning, claimed, beganMs, endedMs) {
      if (beginning === fromZero) zeroDueMs = endedMs + Math.min(longestMs, (endedMs - beganMs) * shareOfTime);
      for (const { priority, runAtS } of claimed) {
        if (Number.isFinite(runAtS)) marks[priority] = Math.max(marks[priority]!, runAtS - marginS);
      }
    },
  };
}
