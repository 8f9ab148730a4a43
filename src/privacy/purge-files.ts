/**
 * Bytes of raw files go some days after the cycles of their period were closed, and lines in quarantine some days after they came. One
 * file in the archive may be of several contracts: it goes when none of them needs it any more. The row stays and says when; it
 * keeps the same bytes from being imported twice. The file goes before its mark: whoever dies in between finds it gone the next time.
 */
import type { Archive } from '../archive/archive.ts';
import type { ReadSession, Tx } from '../database/session.ts';
import { closedStates } from '../totals/cycles.ts';
import { kept } from './retention.ts';

export interface FilesRemoved {
  readonly files: number;
  readonly bytes: number;
  /** Lines. */
  readonly quarantine: number;
}

/** Of a file without a period: the cycle in which it came. */
const period = `coalesce(f.period, daterange((f.stored_at at time zone k.time_zone)::date, (f.stored_at at time zone k.time_zone)::date, '[]'))`;

/** Nobody asks for the bytes of `f` any more. A duplicate's bytes are those of another row. */
const isOver = `
  (f.state = 'duplicate' or (f.state <> 'received' and f.stored_at + make_interval(days => ${kept('rawFileDays')}) <= now()
    and not exists (select from cycle y where y.contract_id = f.contract_id and daterange(y.cycle_start, y.cycle_end) && ${period}
      and (y.state not in (${closedStates}) or y.closed_at is null
        or y.closed_at + make_interval(days => ${kept('rawFileDays')}) > now()))))`;

const withCustomer = `join contract k on k.id = f.contract_id join customer c on c.id = k.customer_id`;

/**
 * By content: all rows of it are over, and one of them is no duplicate. That one may be purged already: whoever delivers the same
 * bytes once more puts them into the archive once more.
 */
const due = `
  select f.sha256, max(f.bytes) as bytes from raw_file f ${withCustomer}
  where f.purged_at is null and exists (select from raw_file o where o.sha256 = f.sha256 and o.state <> 'duplicate'
    and o.stored_at < now() - interval '1 day')
  group by f.sha256 having bool_and(${isOver}) order by min(f.stored_at)`;

const lockRows = `
  select id, encode(sha256, 'hex') as sha256, bytes::float8 as bytes from raw_file
  where purged_at is null and sha256 in (select sha256 from (${due} limit $1) d) for update skip locked`;

const mark = 'update raw_file set purged_at = now() where id = any($1::bigint[])';

const oldLines = `
  select q.id from quarantine q join raw_file f on f.id = q.raw_file_id ${withCustomer}
  where q.at + make_interval(days => ${kept('quarantineDays')}) <= now()`;

const deleteLines = `delete from quarantine where id = any (array(${oldLines} limit $1)) returning 1`;

export async function purgeFiles(tx: Tx, archive: Pick<Archive, 'remove'>, batch: number): Promise<FilesRemoved> {
  const quarantine = (await tx.query(deleteLines, [batch])).length;
  const rows = await tx.query<{ id: string; sha256: string; bytes: number }>(lockRows, [filesAtOnce]);
  const contents = new Map(rows.map(({ sha256, bytes }) => [sha256, bytes]));
  for (const sha256 of contents.keys()) {
    if (!(await archive.remove(sha256))) contents.delete(sha256);
  }
  await tx.query(mark, [rows.flatMap(({ id, sha256 }) => (contents.has(sha256) ? [id] : []))]);
  const bytes = [...contents.values()].reduce((sum, size) => sum + size, 0);
  return { files: contents.size, bytes, quarantine };
}

const filesAtOnce = 200;

export const filesPending = `(exists (${oldLines}) or exists (${due}))`;

const foreseen = `
  with gone as (${due})
  select count(*)::int as files, coalesce(sum(bytes), 0)::float8 as bytes, (select count(*) from (${oldLines}) q)::int as quarantine from gone`;

export async function foreseeFiles(session: Pick<ReadSession, 'query'>): Promise<FilesRemoved> {
  const [row] = await session.query<FilesRemoved>(foreseen);
  return row!;
}
