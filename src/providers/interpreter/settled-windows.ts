/**
 * A window of an API that was read to its end replaces what was read of it before: pages that were refused are superseded, and
 * records that were kept out are settled, unless the very same bytes came again.
 */
import type { Tx } from '../../database/session.ts';
import type { WholeWindow } from '../sync-input.ts';
import type { Refused } from './file-to-import.ts';
import { pageName, windowOf } from './page-name.ts';
import { compact, keyOf } from './windows.ts';

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
    where f.contract_id = $1 and f.logical_key is not null and f.name ~ $3
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
