/** How long a provider asks to be left alone: `Retry-After`, as seconds or as a date (RFC 9110, 10.2.3). */
import type { IncomingHttpHeaders } from 'node:http';

/** When it does not say, or says nothing that can be: no time at all would have it asked without end. */
const usualMs = 30_000;
const longestMs = 3_600_000;

/** `nowMs`: for an answer without a date; else a date is held against the clock of whoever says it. */
export function patienceOf({ 'retry-after': after, date }: IncomingHttpHeaders, nowMs: number): number {
  const ms = after === undefined ? Number.NaN : msOf(after.trim(), dateOf(date) ?? nowMs);
  return ms > 0 ? Math.min(ms, longestMs) : usualMs;
}

function msOf(after: string, nowMs: number): number {
  return /^\d+$/.test(after) ? Number(after) * 1_000 : (dateOf(after) ?? Number.NaN) - nowMs;
}

/** Only dates in a form of HTTP: "1.5" is a day in January for `Date.parse`. */
function dateOf(text: string | undefined): number | null {
  return text !== undefined && /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(text) ? Date.parse(text) : null;
}
