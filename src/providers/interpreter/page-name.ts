/** Names of an API's pages in the archive: `<account>_<from>_<to>_<read>_<page>.json`, times such as 20260301T000000Z. */
import type { Window } from '../sync-input.ts';
import { compact } from './windows.ts';

/** `readStamp`: when the run began that read it. `page`: its number in that run. */
export function pageNameOf(account: string, { from, to }: Window, readStamp: string, page: number): string {
  return `${account}_${compact(from)}_${compact(to)}_${readStamp}_${String(page).padStart(4, '0')}.json`;
}

/** For PostgreSQL and for JavaScript. */
export const pageName = String.raw`^[^_]+_(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)_[^_]+_\d{4,}\.json$`;
const pagePattern = new RegExp(pageName);

/** The window that a page is of. Null for other files. */
export function windowOf(name: string): Window | null {
  const match = pagePattern.exec(name);
  return match ? { from: spelled(match[1]!), to: spelled(match[2]!) } : null;
}

function spelled(stamp: string): string {
  return stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
}
