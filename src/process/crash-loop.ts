/**
 * A node that keeps dying waits longer before it takes work. Counted are the boots in a row, up to the last, that died (exit
 * 70, killed, blocked loop) before they had been healthy; a boot that was healthy or ended in order ends the row. The first
 * two deaths cost nothing, so that a kill -9 and a bad moment are over at once.
 */
import type { Boot } from './boot-record.ts';

export interface CrashLoopLimits {
  /** Work for this long makes a boot healthy. */
  readonly healthyAfterMs: number;
  /** The first wait; every further death doubles it. */
  readonly baseMs: number;
  readonly capMs: number;
}

/** So many deaths in a row are a crash loop: the next boot waits and alerts. */
const loopFrom = 3;

/** `boots` without the one that begins now. */
export function deathsInARow(boots: readonly Boot[]): number {
  const firstGood = boots.toReversed().findIndex((boot) => !isDeath(boot));
  return firstGood === -1 ? boots.length : firstGood;
}

/** How long to wait before taking work; 0 when there is no crash loop. */
export function crashLoopWaitMs(deaths: number, { baseMs, capMs }: CrashLoopLimits): number {
  return deaths < loopFrom ? 0 : Math.min(capMs, baseMs * 2 ** Math.min(deaths - loopFrom, 30));
}

function isDeath({ end, healthyAt }: Boot): boolean {
  return healthyAt === null && (end === 70 || end === 'killed' || end === 'blocked loop');
}
