/**
 * Which stretches of time are to be read from an API. What was broken off comes first, then what has to be read once more,
 * then everything since the last time, overlapping it by some days: usage that comes late, or that a moving page hid, is
 * found there (F14). Every so many days all that a provider may still change is read again (`lookBack`): usage that was final may
 * become void long after the overlap (F22). Nothing is asked for that was before the contract.
 */
import type { DiscoverPages } from '../spec/discover.ts';
import type { PartWindow, Watermark, Window } from '../sync-input.ts';

const dayMs = 86_400_000;

export interface WindowToRead extends Window {
  readonly part: PartWindow | null;
  /** It moves on what is known; a window that is read once more does not. */
  readonly isNew: boolean;
}

type WindowSpec = DiscoverPages['window'];

/** What is to be read once more, and whether that is a look back. `nowMs`: of the database. */
export function windowsAgain(
  { overlapDays, maxDays, lookBack }: WindowSpec,
  { again = [], readTo, lookedBack }: Watermark,
  nowMs: number,
  contractFromMs: number | null = null,
): { readonly windows: readonly Window[]; readonly looksBack: boolean } {
  const isDue = lookedBack === undefined || nowMs - Date.parse(lookedBack) >= (lookBack?.everyDays ?? 0) * dayMs;
  if (lookBack === undefined || readTo === undefined || !isDue) return { windows: again, looksBack: false };
  const knownMs = Date.parse(readTo);
  const fromMs = Math.max(knownMs - lookBack.days * dayMs, contractFromMs ?? Number.NEGATIVE_INFINITY);
  const back = stretches(wholeSecond(fromMs), knownMs - overlapDays * dayMs, maxDays);
  const windows = new Map([...again, ...back].map((window) => [keyOf(window), window]));
  return { windows: [...windows.values()], looksBack: true };
}

/** `again`: of `windowsAgain`. */
export function windowsToRead(
  { firstDays, overlapDays, maxDays }: WindowSpec,
  watermark: Watermark,
  again: readonly Window[],
  nowMs: number,
  contractFromMs: number | null = null,
): WindowToRead[] {
  const part = watermark.window ?? null;
  const known = watermark.readTo === undefined ? null : Date.parse(watermark.readTo);
  const others = again.filter((window) => !part || keyOf(window) !== keyOf(part));
  const windows: WindowToRead[] = others.map((window) => ({ ...window, part: null, isNew: false }));
  const wantedMs = known === null ? nowMs - firstDays * dayMs : known - overlapDays * dayMs;
  let fromMs = wholeSecond(Math.max(wantedMs, contractFromMs ?? wantedMs));
  const untilMs = wholeSecond(nowMs);
  if (part) {
    const isNew = known === null || Date.parse(part.to) > known;
    windows.unshift({ from: part.from, to: part.to, part, isNew });
    if (isNew) fromMs = Date.parse(part.to);
  }
  const isNew = { part: null, isNew: true };
  return [...windows, ...stretches(fromMs, untilMs, maxDays).map((window) => ({ ...window, ...isNew }))];
}

function stretches(fromMs: number, untilMs: number, maxDays: number): Window[] {
  const windows: Window[] = [];
  for (let atMs = fromMs; atMs < untilMs; atMs += maxDays * dayMs) {
    windows.push({ from: instant(atMs), to: instant(Math.min(untilMs, atMs + maxDays * dayMs)) });
  }
  return windows;
}

/** What a provider calls its present is believed from here on: "0" as a date would have decades read again at every run. */
export function earliestAsOf({ firstDays, maxDays }: WindowSpec, known: string | undefined, nowMs: number): number {
  return (known === undefined ? nowMs - firstDays * dayMs : Date.parse(known)) - maxDays * dayMs;
}

/** Known is what the provider knew: what it calls its present may be long before ours. `earliestMs`: of `earliestAsOf`. */
export function readTo(window: Window, asOf: string | null, earliestMs: number): string {
  const toMs = Date.parse(window.to);
  const asOfMs = asOf === null ? Number.NaN : Date.parse(asOf);
  return instant(asOfMs >= earliestMs ? Math.min(toMs, asOfMs) : toMs);
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
