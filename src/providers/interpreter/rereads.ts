/**
 * What an API told wrong is asked for again soon, as its window may be too long ago to be read again by itself: a page that was
 * refused leaves a hole (F05), a record in quarantine is missing (F12), one of an unknown kind is unrated (F11). Each such trouble
 * has its window read so many times more at most, ever later, until an import finds nothing wrong.
 */
import { createHash } from 'node:crypto';
import type { Tx } from '../../database/session.ts';
import type { Window } from '../sync-input.ts';
import type { Accepted, Refused } from './file-to-import.ts';
import { windowOf } from './page-name.ts';
import { keyOf } from './windows.ts';

const mostRereads = 3;
/** A kind that nobody knows is mostly one that the provider has brought in, and its windows are all there are. */
const mostRereadsForCode = 1;
/** Troubles that are kept count of: more of them at once is a provider that is wrong all over, and a person's task. */
const mostTroubles = 500;

interface Trouble {
  readonly window: Window;
  readonly key: string;
  /** How often its window is read again. */
  readonly most: number;
}

/** The troubles of pages, with keys that are the same when they are met again, and say nothing of what is in them. */
function troublesOf(accepted: readonly Accepted[], refused: readonly Refused[]): Trouble[] {
  const holes = refused.flatMap(({ file }) => {
    const window = windowOf(file.name);
    return window ? [{ window, key: `window ${keyOf(window)}`, most: mostRereads }] : [];
  });
  const wrong = accepted.flatMap(({ file, decoded: { quarantined, unknownCallCodes } }) => {
    const window = windowOf(file.name);
    if (!window) return [];
    const records = quarantined.map(({ code, field, rawMasked }) => `record ${digestOf([code, field, rawMasked])}`);
    return [
      ...records.map((key) => ({ window, key, most: mostRereads })),
      ...unknownCallCodes.map((code) => ({ window, key: `call code ${code}`, most: mostRereadsForCode })),
    ];
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
    where coalesce((times ->> (t ->> 'key'))::int, 0) < (t ->> 'most')::int
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
  if (troubles.length > 0) await tx.query(askAgain, [profileId, JSON.stringify(troubles)]);
  else if (accepted.some(({ file }) => windowOf(file.name))) await tx.query(forget, [profileId]);
}
