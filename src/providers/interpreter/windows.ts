/**
 * Which stretches of time are to be read from an API. What was broken off comes first, then what has to be read once more,
 * then everything since the last time, overlapping it by some days: usage that comes late, or that a moving page hid, is
 * found there (F14). Nothing is asked for that was before the contract.
 */
import type { DiscoverPages } from '../spec/discover.ts';
import type { PartWindow, Watermark, Window } from '../sync-input.ts';

const dayMs = 86_400_000;

export interface WindowToRead extends Window {
  readonly part: PartWindow | null;
  /** It moves on what is known; a window that is read once more does not. */
  readonly isNew: boolean;
}

export function windowsToRead(
  { firstDays, overlapDays, maxDays }: DiscoverPages['window'],
  watermark: Watermark,
  nowMs: number,
  contractFromMs: number | null = null,
): WindowToRead[] {
  const part = watermark.window ?? null;
  const known = watermark.readTo === undefined ? null : Date.parse(watermark.readTo);
  const again = (watermark.again ?? []).filter((window) => !part || keyOf(window) !== keyOf(part));
  const windows: WindowToRead[] = again.map((window) => ({ ...window, part: null, isNew: false }));
  const wantedMs = known === null ? nowMs - firstDays * dayMs : known - overlapDays * dayMs;
  let fromMs = wholeSecond(Math.max(wantedMs, contractFromMs ?? wantedMs));
  const untilMs = wholeSecond(nowMs);
  if (part) {
    const isNew = known === null || Date.parse(part.to) > known;
    windows.unshift({ from: part.from, to: part.to, part, isNew });
    if (isNew) fromMs = Date.parse(part.to);
  }
  while (fromMs < untilMs) {
    const toMs = Math.min(untilMs, fromMs + maxDays * dayMs);
    windows.push({ from: instant(fromMs), to: instant(toMs), part: null, isNew: true });
    fromMs = toMs;
  }
  return windows;
}

/** Known is what the provider knew: what it calls its present may be long before ours. */
export function readTo(window: Window, asOf: string | null): string {
  const ends = [Date.parse(window.to), asOf === null ? Number.NaN : Date.parse(asOf)];
  return instant(Math.min(...ends.filter((ms) => !Number.isNaN(ms))));
}

export function keyOf({ from, to }: Window): string {
  return `${from} ${to}`;
}

export function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** For names of files: 20260301T000000Z. */
export function compact(iso: string): string {
  return iso.replaceAll(/[-:.]/g, '');
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
