/** How the result of decoding files is written to their rows and to `quarantine`. */
import type { FileProblem } from '../../compute/tasks/file-problem.ts';
import type { Tx } from '../../database/session.ts';
import type { Decoded } from './decoder.ts';

const imported = `
  update raw_file f set state = 'imported', records = d.records, crc32 = d.crc, period = daterange(d.period_from, d.period_to, '[]'),
    quarantined_lines = d.quarantined, imported_at = now()
  from jsonb_to_recordset($1::jsonb)
    as d (id bigint, records bigint, crc text, period_from date, period_to date, quarantined integer)
  where f.id = d.id`;

const supersedeOlder = `
  update raw_file set state = 'superseded' where contract_id = $1 and logical_key = $2 and version < $3
    and state in ('imported', 'received')`;

/** A version that was imported settles what was kept out of the ones before. */
const settleQuarantine = `
  update quarantine q set state = 'resolved' from raw_file f
  where f.contract_id = $1 and f.logical_key = $2 and f.version < $3 and q.raw_file_id = f.id and q.state = 'open'`;

const quarantineLines = `
  insert into quarantine (raw_file_id, line_no, byte_offset, code, field, message, raw_masked)
  select l.raw_file_id, l.line_no, l.byte_offset, l.code, l.field, l.message, l.raw_masked
  from jsonb_to_recordset($1::jsonb)
    as l (raw_file_id bigint, line_no integer, byte_offset bigint, code text, field text, message text, raw_masked text)`;

export interface ImportedFile {
  readonly id: string;
  readonly logicalKey: string;
  readonly version: number;
  readonly decoded: Pick<Decoded, 'records' | 'crc' | 'periodFrom' | 'periodTo' | 'quarantined'>;
}

/** All in one go: an API's window is a file for each page. */
export async function markImported(tx: Tx, contractId: string, files: readonly ImportedFile[]): Promise<void> {
  if (files.length === 0) return;
  const rows = files.map(({ id, decoded }) => ({
    id,
    records: decoded.records,
    crc: decoded.crc,
    period_from: decoded.periodFrom,
    period_to: decoded.periodTo,
    quarantined: decoded.quarantined.length,
  }));
  await tx.query(imported, [JSON.stringify(rows)]);
  for (const { logicalKey, version } of files) {
    if (version === 1) continue;
    await tx.query(supersedeOlder, [contractId, logicalKey, version]);
    await tx.query(settleQuarantine, [contractId, logicalKey, version]);
  }
  const lines = files.flatMap(({ id, decoded }) =>
    decoded.quarantined.map(({ line, offset, code, field, message, rawMasked }) => {
      return { raw_file_id: id, line_no: line, byte_offset: offset, code, field, message, raw_masked: rawMasked };
    }),
  );
  if (lines.length > 0) await tx.query(quarantineLines, [JSON.stringify(lines)]);
}

export async function markQuarantined(tx: Tx, id: string, problem: FileProblem): Promise<void> {
  await tx.query(`update raw_file set state = 'quarantined', reason = $2 where id = $1`, [
    id,
    `${problem.code}: ${problem.message}`,
  ]);
  await tx.query('insert into quarantine (raw_file_id, line_no, code, field, message) values ($1, $2, $3, $4, $5)', [
    id,
    problem.line,
    problem.code,
    problem.field,
    problem.message,
  ]);
}
