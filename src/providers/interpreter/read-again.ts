/**
 * What an API told wrong is asked for again soon, as its window may be too long ago to be read again by itself: a page that was
 * refused leaves a hole (F05), a record in quarantine is missing (F12), one of an unknown kind is unrated (F11). Each such trouble
 * has its window read three times more at most, ever later, until an import finds nothing wrong. A window that was read whole
 * replaces what was read of it before: what was kept out of that is settled.
 */
import { createHash } from 'node:crypto';
import type { Tx } from '../../database/session.ts';
import type { WholeWindow, Window } from '../sync-input.ts';
import type { Accepted } from './import.ts';
import type { Refused } from './imported-files.ts';
import { compact, keyOf } from './windows.ts';

export const mostRereads = 3;
/** Troubles that are kept count of: more of them at once is a provider that is wrong all over, and a person's task. */
const mostTroubles = 500;

const pageName = String.raw`^[^_]+_(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)_[^_]+_\d{4,}\.json$`;
const pagePattern = new RegExp(pageName);

/** What the names of pages say: `<account>_<from>_<to>_<read>_<page>.json`. Null for other files. */
export function windowOf(name: string): Window | null {
  const match = pagePattern.exec(name);
  return match ? { from: spelled(match[1]!), to: spelled(match[2]!) } : null;
}

function spelled(stamp: string): string {
  return stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
}

interface Trouble {
  readonly window: Window;
  readonly key: string;
}

/** The troubles of pages, with keys that are the same when they are met again, and say nothing of what is in them. */
function troublesOf(accepted: readonly Accepted[], refused: readonly Refused[]): Trouble[] {
  const holes = refused.flatMap(({ file }) => {
    const window = windowOf(file.name);
    return window ? [{ window, key: `window ${keyOf(window)}` }] : [];
  });
  const wrong = accepted.flatMap(({ file, decoded: { quarantined, unknownCallCodes } }) => {
    const window = windowOf(file.name);
    if (!window) return [];
    const records = quarantined.map(({ code, field, rawMasked }) => `record ${digestOf([code, field, rawMasked])}`);
    return [...records, ...unknownCallCodes.map((code) => `call code ${code}`)].map((key) => ({ window, key }));
  });
  return [...holes, ...wrong].slice(0, mostTroubles);
}

function digestOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** $2 the troubles. What is to be read again is due soon, four times later each time in a row. */
const askAgain = `
  with profile as (
    select id, coalesce(watermark -> 'rereads', '{}') as times, coalesce((watermark ->> 'rereadRuns')::int, 0) as runs
    from sync_profile where id = $1 for update
  ), trouble as (
    select distinct on (t ->> 'key', t -> 'window') t ->> 'key' as key, t -> 'window' as win
    from profile, jsonb_array_elements($2::jsonb) t
    where coalesce((times ->> (t ->> 'key'))::int, 0) < $3
  )
  update sync_profile p set
    watermark = p.watermark || jsonb_build_object(
      'again', (select jsonb_agg(distinct win) from (
        select win from trouble union select jsonb_array_elements(coalesce(p.watermark -> 'again', '[]'))) w),
      'rereads', times || (select jsonb_object_agg(key, coalesce((times ->> key)::int, 0) + 1) from (select distinct key from trouble) k),
      'rereadRuns', least(runs + 1, 8)),
    next_due = least(p.next_due, now() + interval '1 minute' * 4 ^ runs)
  from profile where p.id = profile.id and exists (select from trouble)`;

const forget = `update sync_profile set watermark = watermark - 'rereads' - 'rereadRuns' where id = $1 and watermark ? 'rereads'`;

/** After an import: of files that are no pages nothing is asked for. */
export async function readAgainLater(
  tx: Tx,
  profileId: string,
  accepted: readonly Accepted[],
  refused: readonly Refused[],
): Promise<void> {
  const troubles = troublesOf(accepted, refused);
  if (troubles.length > 0) await tx.query(askAgain, [profileId, JSON.stringify(troubles), mostRereads]);
  else if (accepted.some(({ file }) => windowOf(file.name))) await tx.query(forget, [profileId]);
}

/** What fetching noted for the next import. */
const takeWhole = `
  with noted as (select id, watermark -> 'whole' as whole from sync_profile where id = $1 and watermark ? 'whole' for update)
  update sync_profile p set watermark = p.watermark - 'whole' from noted where p.id = noted.id returning noted.whole`;

/**
 * $2 stretches that were read whole, each since a reading's stamp. A page of before whose very bytes came again is not replaced:
 * they are as wrong as they were. Refused ones were tried anew under the new name, and the old row is a duplicate now.
 */
const settle = `
  with old as (
    select distinct f.id, f.name, f.state from raw_file f
    join jsonb_to_recordset($2::jsonb) as s ("from" text, "to" text, since text)
      on split_part(f.name, '_', 2) >= s."from" and split_part(f.name, '_', 3) <= s."to" and split_part(f.name, '_', 4) < s.since
    where f.contract_id = $1 and f.name ~ $3
      and exists (select from quarantine q where q.raw_file_id = f.id and q.state = 'open')
      and (f.state in ('quarantined', 'duplicate') or not exists (
        select from raw_file again where again.contract_id = $1 and again.sha256 = f.sha256 and again.id > f.id
          and split_part(again.name, '_', 4) >= s.since))
  ), superseded as (
    update raw_file f set state = 'superseded' from old where f.id = old.id and old.state = 'quarantined'
  ), resolved as (
    update quarantine q set state = 'resolved' from old where q.raw_file_id = old.id and q.state = 'open'
  )
  select name from old`;

/** Names of the pages that were settled. A window of which a page was refused now is not whole. */
export async function settleWindows(
  tx: Tx,
  { profileId, contractId }: { readonly profileId: string; readonly contractId: string },
  refused: readonly Refused[],
): Promise<string[]> {
  const [noted] = await tx.query<{ whole: WholeWindow[] }>(takeWhole, [profileId]);
  const holes = new Set(refused.flatMap(({ file }) => windowOf(file.name) ?? []).map(keyOf));
  const whole = (noted?.whole ?? []).filter((window) => !holes.has(keyOf(window)));
  if (whole.length === 0) return [];
  const rows = await tx.query<{ name: string }>(settle, [contractId, JSON.stringify(stretchesOf(whole)), pageName]);
  return rows.map(({ name }) => name);
}

/** Windows that touch are one stretch, as a window of before may lie across their border. */
export function stretchesOf(windows: readonly WholeWindow[]): WholeWindow[] {
  const sorted = [...windows].sort((one, other) => Date.parse(one.from) - Date.parse(other.from));
  const stretches: WholeWindow[] = [];
  for (const { from, to, since } of sorted.map(inNames)) {
    const last = stretches.at(-1);
    if (last === undefined || from > last.to) stretches.push({ from, to, since });
    else {
      const [, latest] = [to, last.to].toSorted();
      const [earliest] = [since, last.since].toSorted();
      stretches[stretches.length - 1] = { from: last.from, to: latest!, since: earliest! };
    }
  }
  return stretches;
}

function inNames({ from, to, since }: WholeWindow): WholeWindow {
  return { from: compact(from), to: compact(to), since };
}

/** Records of pages that are in quarantine, the same one once. */
export async function openRecords(tx: Tx, contractId: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    `select count(distinct (q.code, q.field, q.raw_masked))::int as n from raw_file f join quarantine q on q.raw_file_id = f.id
     where f.contract_id = $1 and f.name ~ $2 and f.state = 'imported' and q.state = 'open'`,
    [contractId, pageName],
  );
  return row!.n;
}
