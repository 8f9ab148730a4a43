/**
 * `import`: decodes received files in the compute pool, in sequence, and merges their records in one transaction. A file
 * that fails any of its checks goes to quarantine whole, with the line, the field and the value; the other files go on.
 */
import { join } from 'node:path';
import { type Handler, type Json, type StepContext, succeeded } from '../../chains/define.ts';
import type { DecodeResult } from '../../compute/tasks/messages.ts';
import type { Tx } from '../../database/session.ts';
import { cycleStartOfDate } from '../../telecom/cycle.ts';
import { ensureCycles, lockContract, touchCycles } from '../../totals/cycles.ts';
import { mergeRecords } from '../../totals/merge-records.ts';
import { planImport, type SequenceState, type WaitingFile } from '../sequence.ts';
import { readSyncSubject, type SyncInput, type SyncSubject } from '../sync-input.ts';
import { type Decoded, markImported, markQuarantined, type Refused } from './imported-files.ts';
import type { Sp16Services } from './services.ts';
import { kpnSp16Layout } from './spec.ts';

interface ReceivedFile extends WaitingFile {
  readonly sha256: string;
  readonly logicalKey: string;
}

interface Accepted {
  readonly file: ReceivedFile;
  readonly decoded: Decoded;
  readonly spoolPath: string;
}

const receivedFiles = `
  select id, name, seq::float8 as seq, version, encode(sha256, 'hex') as sha256, logical_key as "logicalKey"
  from raw_file where contract_id = $1 and state = 'received'`;

/** A refused file counts until a version of it was received again. */
const sequenceState = `
  select (select max(seq) from raw_file where contract_id = $1 and state in ('imported', 'superseded'))::float8 as "lastSeq",
    (select min(q.seq) from raw_file q where q.contract_id = $1 and q.state = 'quarantined'
       and q.logical_key like $2 || '/%'
       and not exists (select 1 from raw_file r where r.contract_id = $1 and r.logical_key = q.logical_key
         and r.state in ('received', 'imported', 'superseded')))::float8 as "refusedSeq"`;

export function importFiles(services: Sp16Services): Handler<SyncInput> {
  return async (context) => {
    const subject = await readSyncSubject(context.read, context.input);
    const files = await context.read.query<ReceivedFile>(receivedFiles, [context.input.contractId]);
    const [sequence] = await context.read.query<SequenceState>(sequenceState, [
      context.input.contractId,
      subject.account,
    ]);
    const plan = planImport(files, sequence!);
    const accepted: Accepted[] = [];
    const refused: Refused[] = [];
    const directory = await context.spoolDirectory();
    for (const [index, file] of plan.now.entries()) {
      context.progress(index, plan.now.length, 'files');
      const spoolPath = join(directory, `${file.id}.copy`);
      const decoded = await decode(services, context, subject, file, spoolPath);
      if (decoded.ok) {
        accepted.push({ file, decoded, spoolPath });
        continue;
      }
      refused.push({ id: file.id, name: file.name, problem: decoded.problem });
      // what follows a refused file waits for its good version, as after a gap
      if (sequence!.lastSeq === null || file.seq > sequence!.lastSeq) break;
    }
    context.progress(plan.now.length, plan.now.length, 'files');
    report(services, subject, accepted, refused, plan.missingSeq, plan.heldBack.length);
    const heldBack = files.length - accepted.length - refused.length;
    return succeeded({
      commit: (tx) => store(tx, context.input, subject, accepted, refused, heldBack),
    });
  };
}

async function decode(
  services: Sp16Services,
  context: StepContext<SyncInput>,
  subject: SyncSubject,
  file: ReceivedFile,
  spoolPath: string,
): Promise<DecodeResult> {
  const { result } = await services.compute.run(
    {
      task: 'decode',
      path: services.archive.path(file.sha256),
      compression: file.name.endsWith('.gz') ? 'gz' : 'none',
      name: file.name,
      spec: kpnSp16Layout,
      account: subject.account,
      timeZone: subject.timeZone,
      cycleDay: subject.cycleDay,
      numberMask: subject.numberMask,
      hashKey: subject.hashKey,
      nowMs: subject.nowMs,
      spoolPath,
    },
    { signal: context.signal, onProgress: (done, total) => context.progress(done, total, 'bytes') },
  );
  return result;
}

async function store(
  tx: Tx,
  input: SyncInput,
  subject: SyncSubject,
  accepted: readonly Accepted[],
  refused: readonly Refused[],
  heldBack: number,
): Promise<Json> {
  await lockContract(tx, input.contractId);
  const contract = { id: input.contractId, cycleDay: subject.cycleDay, timeZone: subject.timeZone };
  const touched = new Set<string>();
  const counts = {
    files: 0,
    records: 0,
    duplicates: 0,
    quarantinedLines: 0,
    quarantinedFiles: 0,
    heldBack,
  };
  for (const { file, decoded, spoolPath } of accepted) {
    await ensureCycles(tx, contract, decoded.cycles);
    const fileCycle = cycleStartOfDate(decoded.periodFrom!, subject.cycleDay);
    const { id: rawFileId, logicalKey, version } = file;
    const { rows } = decoded;
    const merge = { contractId: input.contractId, rawFileId, logicalKey, version, fileCycle, spoolPath, rows };
    for (const cycle of await mergeRecords(tx, merge)) touched.add(cycle);
    await markImported(tx, input.contractId, file, decoded);
    counts.files += 1;
    counts.records += decoded.records;
    counts.duplicates += decoded.duplicates;
    counts.quarantinedLines += decoded.quarantined.length;
  }
  for (const file of refused) {
    await markQuarantined(tx, file);
    counts.quarantinedFiles += 1;
  }
  const cycles = [...touched].sort();
  await touchCycles(tx, input.contractId, cycles);
  await tx.query(
    `insert into sync_task_cycle (sync_task_id, contract_id, cycle_start) select $1, $2, unnest($3::date[]) on conflict do nothing`,
    [input.syncTaskId, input.contractId, cycles],
  );
  await tx.query('update sync_task set counts = counts || $2::jsonb where id = $1', [
    input.syncTaskId,
    JSON.stringify(counts),
  ]);
  return { ...counts, cycles };
}

function report(
  services: Sp16Services,
  subject: SyncSubject,
  accepted: readonly Accepted[],
  refused: readonly Refused[],
  missingSeq: number | null,
  heldBack: number,
): void {
  for (const { name, problem } of refused) {
    services.alerts.raise({
      rule: 'file.quarantined',
      subject: `${subject.customer}/${name}`,
      level: 'critical',
      message: `${name} is quarantined, nothing of it was imported: ${problem.message}`,
      detail: { ...problem },
    });
  }
  const gap = `${subject.customer}/${subject.account}`;
  if (missingSeq === null) services.alerts.resolve('file.sequence-gap', gap);
  else {
    const message = `file number ${missingSeq} of account ${subject.account} is missing; ${heldBack} later files wait for it`;
    services.alerts.raise({ rule: 'file.sequence-gap', subject: gap, level: 'critical', message });
  }
  for (const { file, decoded } of accepted) {
    services.alerts.resolve('file.quarantined', `${subject.customer}/${file.name}`);
    if (decoded.quarantined.length === 0) {
      services.alerts.resolve('file.lines-quarantined', `${subject.customer}/${file.name}`);
    } else {
      services.alerts.raise({
        rule: 'file.lines-quarantined',
        subject: `${subject.customer}/${file.name}`,
        level: 'warning',
        message: `${decoded.quarantined.length} lines of ${file.name} are quarantined; first: line ${decoded.quarantined[0]!.line}, ${decoded.quarantined[0]!.message}`,
      });
    }
    if (decoded.unknownCallCodes.length > 0) {
      services.alerts.raise({
        rule: 'file.unknown-call-code',
        subject: `${subject.customer}/${decoded.unknownCallCodes.join(',')}`,
        level: 'warning',
        message: `${file.name} has unknown call codes ${decoded.unknownCallCodes.join(', ')}; their records are imported as unrated`,
      });
    }
  }
}
