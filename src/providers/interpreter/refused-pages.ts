/**
 * A refused page is a hole in its window, and the window may be too long ago to be read again by itself: it is read once
 * more, up to three times (F05). When all of a window's pages were imported, what was refused of it is superseded.
 */
import type { ReadSession, Tx } from '../../database/session.ts';
import type { Window } from '../sync-input.ts';

export const mostRereads = 3;

/** What the names of pages say: `<account>_<from>_<to>_<read>_<page>.json`. Null for other files. */
export function windowOf(name: string): Window | null {
  const match = /^[^_]+_(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)_[^_]+_\d{4,}\.json$/.exec(name);
  return match ? { from: spelled(match[1]!), to: spelled(match[2]!) } : null;
}

function spelled(compact: string): string {
  return compact.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
}

/** $2 the windows. Each at most so often: $3. What is to be read again is due soon. */
const readAgain = `
  with wanted as (
    select w, w ->> 'from' || ' ' || (w ->> 'to') as key from jsonb_array_elements($2::jsonb) w
  ), allowed as (
    select w, key from wanted, sync_profile p
    where p.id = $1 and coalesce((p.watermark -> 'rereads' ->> key)::int, 0) < $3
  )
  update sync_profile p set
    watermark = p.watermark
      || jsonb_build_object('again', coalesce(p.watermark -> 'again', '[]') || (select jsonb_agg(w) from allowed))
      || jsonb_build_object('rereads', coalesce(p.watermark -> 'rereads', '{}') || (
        select jsonb_object_agg(key, coalesce((p.watermark -> 'rereads' ->> key)::int, 0) + 1) from allowed)),
    next_due = least(p.next_due, now() + interval '1 minute')
  where p.id = $1 and exists (select from allowed)`;

export async function readAgainLater(tx: Tx, profileId: string, windows: readonly Window[]): Promise<void> {
  if (windows.length === 0) return;
  const distinct = [...new Map(windows.map((window) => [`${window.from} ${window.to}`, window])).values()];
  await tx.query(readAgain, [profileId, JSON.stringify(distinct), mostRereads]);
}

const settle = `
  with old as (
    update raw_file set state = 'superseded'
    where contract_id = $1 and state = 'quarantined' and logical_key is not null and name like any ($2)
    returning id
  )
  update quarantine q set state = 'resolved' from old where q.raw_file_id = old.id and q.state = 'open'`;

const refusedOf = `
  select name from raw_file where contract_id = $1 and state = 'quarantined' and logical_key is not null and name like any ($2)`;

/** Names of the pages that `settleWindows` will settle. */
export async function refusedPages(
  session: Pick<ReadSession, 'query'>,
  contractId: string,
  prefixes: readonly string[],
): Promise<string[]> {
  if (prefixes.length === 0) return [];
  const rows = await session.query<{ name: string }>(refusedOf, [contractId, patternsOf(prefixes)]);
  return rows.map(({ name }) => name);
}

/** `<account>_<from>_<to>_` of windows of which pages came now, and none was refused. */
export function wholeWindows(accepted: readonly string[], refused: readonly string[]): string[] {
  const holes = new Set(refused.map(windowPrefix));
  const filled = accepted.filter((name) => windowOf(name)).map(windowPrefix);
  return [...new Set(filled)].filter((prefix) => !holes.has(prefix));
}

/** `prefixes`: `wholeWindows`. */
export async function settleWindows(tx: Tx, contractId: string, prefixes: readonly string[]): Promise<void> {
  if (prefixes.length === 0) return;
  await tx.query(settle, [contractId, patternsOf(prefixes)]);
}

function patternsOf(prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => `${prefix.replaceAll('_', '\\_')}%`);
}

function windowPrefix(name: string): string {
  return name.split('_').slice(0, 3).join('_').concat('_');
}
