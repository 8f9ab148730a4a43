/**
 * Writes what the spool kept into the `alert` table, all of it in one transaction. An episode is written once, however
 * often this is tried: its id is unique in the table, and the ones that are there already are left out.
 */
import type { Database, Tx } from '../database/session.ts';
import type { Episode } from './episode.ts';

const knownSql = 'select spool_id::text as id from alert where spool_id = any($1::uuid[])';

const mergeSql = `
update alert set
  spool_id = $1, message = $4, detail = $5, occurrences = occurrences + $6, last_at = greatest(last_at, $7::timestamptz),
  notified_at = greatest(notified_at, $8::timestamptz), resolved_at = $9,
  state = case when $9::timestamptz is null then 'open' else 'resolved' end, remind = not $10
where rule = $2 and subject = $3 and state = 'open'
returning id`;

const insertSql = `
insert into alert
  (spool_id, rule, subject, level, message, detail, occurrences, first_at, last_at, notified_at, resolved_at, remind, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, not $12, case when $11::timestamptz is null then 'open' else 'resolved' end)`;

const endSql = `
update alert set spool_id = $1, state = 'resolved', resolved_at = $4
where rule = $2 and subject = $3 and state = 'open'`;

export async function importEpisodes(database: Database, episodes: readonly Episode[]): Promise<void> {
  await database.transaction(async (tx) => {
    const ids = episodes.map((episode) => episode.id);
    const known = new Set((await tx.query<{ id: string }>(knownSql, [ids])).map((row) => row.id));
    for (const episode of episodes) if (!known.has(episode.id)) await write(tx, episode);
  });
}

async function write(tx: Tx, episode: Episode): Promise<void> {
  const { id, rule, subject, level, message, detail, occurrences, firstAt, lastAt, notifiedAt, resolvedAt, once } =
    episode;
  if (occurrences === 0) {
    await tx.query(endSql, [id, rule, subject, resolvedAt]);
    return;
  }
  const json = JSON.stringify(detail);
  const merged = [id, rule, subject, message, json, occurrences, lastAt, notifiedAt, resolvedAt, once];
  if ((await tx.query(mergeSql, merged)).length > 0) return;
  const row = [id, rule, subject, level, message, json, occurrences, firstAt, lastAt, notifiedAt, resolvedAt, once];
  await tx.query(insertSql, row);
}
