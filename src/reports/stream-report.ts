/**
 * A report as a stream that is read as fast as its reader takes it. The snapshot behind it is held no longer than needed: a reader
 * who goes away ends it at once, one who takes nothing for a minute is cut off, and what fails midway breaks the stream, so that
 * nobody takes half a report for a whole one.
 */
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { Database } from '../database/session.ts';
import { type ReportFormat, usageFormat } from './usage-format.ts';
import { type UsageReportQuery, type UsageReportRow, writeUsageReport } from './usage-report.ts';

export interface ReportStream {
  readonly contentType: string;
  readonly body: Readable;
}

const slowReaderMs = 60_000;

/** Resolves when the first rows are there. Rejects with what kept them away: `InputError`, or an error of the database. */
export async function streamUsageReport(
  database: Pick<Database, 'read'>,
  query: UsageReportQuery,
  format: 'csv' | 'json',
  stallMs = slowReaderMs,
): Promise<ReportStream> {
  const text: ReportFormat = usageFormat(format, query);
  const body = new PassThrough();
  const gone = new AbortController();
  body.once('close', () => gone.abort(new Error('whoever asked for the report is gone')));
  const begun = Promise.withResolvers<void>();

  async function send(piece: string): Promise<void> {
    if (body.write(piece)) return;
    await once(body, 'drain', { signal: AbortSignal.any([gone.signal, AbortSignal.timeout(stallMs)]) });
  }
  let any = false;
  const take = async (rows: readonly UsageReportRow[]) => {
    const head = any ? '' : text.begin();
    any = true;
    begun.resolve();
    await send(head + text.rows(rows));
  };
  database
    .read((session) => writeUsageReport(session, query, take), { signal: gone.signal })
    .then(
      () => body.end(text.end()),
      (error: Error) => {
        begun.reject(error);
        body.destroy(error);
      },
    );
  // before somebody reads it, its failure is told by the rejection alone
  body.on('error', () => {});
  await begun.promise;
  return { contentType: text.contentType, body };
}
