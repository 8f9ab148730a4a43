/** How the result of decoding a file is written to its row, to `quarantine` and to the inventory. */
import type { FileProblem } from '../../compute/tasks/messages.ts';
import type { Tx } from '../../database/session.ts';
import type { Decoded } from './decoder.ts';
import type { FileToImport } from './import.ts';

export interface Refused {
  readonly file: FileToImport;
  readonly problem: FileProblem;
}

const imported = `
  update raw_file set state = 'imported', records = $2, crc32 = $3, period = daterange($4, $5, '[]'), quarantined_lines = $6,
    imported_at = now()
  where id = $1`;

const supersedeOlder = `
  update raw_file set state = 'superseded' where contract_id = $1 and logical_key = $2 and version < $3
    and state in ('imported', 'received')`;

/** A version that was imported settles what was kept out of the ones before. */
const settleQuarantine = `
  update quarantine q set state = 'resolved' from raw_file f
  where f.contract_id = $1 and f.logical_key = $2 and f.version < $3 and q.raw_file_id = f.id and q.state = 'open'`;

const quarantineLines = `
  insert into quarantine (raw_file_id, line_no, byte_offset, code, field, message, raw_masked)
  select $1, l.line_no, l.byte_offset, l.code, l.field, l.message, l.raw_masked
  from jsonb_to_recordset($2::jsonb) as l (line_no integer, byte_offset bigint, code text, field text, message text, raw_masked text)`;

/** Numbers that nobody told us of: kept as discovered subscriptions of the contract. */
const discover = `
  insert into subscription (contract_id, msisdn, source, first_seen)
  select $1, msisdn, 'discovered', min(local_start)::date from cdr_stage group by msisdn
  on conflict (contract_id, msisdn) do nothing`;

/** Follows `mergeRecords`, whose stage it still reads. */
export async function markImported(
  tx: Tx,
  contractId: string,
  file: { id: string; logicalKey: string; version: number },
  decoded: Pick<Decoded, 'records' | 'crc' | 'periodFrom' | 'periodTo' | 'quarantined'>,
): Promise<void> {
  await tx.query(imported, [
    file.id,
    decoded.records,
    decoded.crc,
    decoded.periodFrom,
    decoded.periodTo,
    decoded.quarantined.length,
  ]);
  const older = [contractId, file.logicalKey, file.version];
  await tx.query(supersedeOlder, older);
  await tx.query(settleQuarantine, older);
  await tx.query(discover, [contractId]);
  if (decoded.quarantined.length === 0) return;
  const lines = decoded.quarantined.map(({ line, offset, code, field, message, rawMasked }) => {
    return { line_no: line, byte_offset: offset, code, field, message, raw_masked: rawMasked };
  });
  await tx.query(quarantineLines, [file.id, JSON.stringify(lines)]);
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
