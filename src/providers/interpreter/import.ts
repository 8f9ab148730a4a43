/**
 * `import`: decodes received files in the compute pool, in sequence, and merges their records in one transaction. A file
 * that fails any of its checks goes to quarantine whole, with the line, the field and the value; the other files go on.
 */
import { join } from 'node:path';
import type { Alerts } from '../../alerts/alerts.ts';
import type { Json, StepContext } from '../../chains/define.ts';
import type { Tx } from '../../database/session.ts';
import { cycleStartOfDate } from '../../telecom/cycle.ts';
import { ensureCycles, lockContract, touchCycles } from '../../totals/cycles.ts';
import { mergeRecords } from '../../totals/merge-records.ts';
import { purgedCycle, purgedProblem } from '../../totals/purged-cycle.ts';
import { planImport, type SequenceState } from '../sequence.ts';
import type { Adapter } from '../spec/adapter.ts';
import { readSyncSubject, type SyncInput, type SyncSubject } from '../sync-input.ts';
import { type Decoded, decodeFile } from './decoder.ts';
import type { Accepted, FileToImport, Refused } from './file-to-import.ts';
import type { ReceivedFile } from './found-files.ts';
import { reportImport, reportPages } from './import-alerts.ts';
import { markImported, markQuarantined } from './imported-files.ts';
import { windowOf } from './page-name.ts';
import { readAgainLater } from './rereads.ts';
import type { InterpreterServices } from './services.ts';
import { openRecords, settleWindows } from './settled-windows.ts';

export interface PreparedImport {
  /** `stored`: the rows of the files that had none. */
  store(tx: Tx, stored: readonly ReceivedFile[]): Promise<Json>;
}

const receivedFiles = `
  select id, name, seq::float8 as seq, version, encode(sha256, 'hex') as sha256, logical_key as "logicalKey"
  from raw_file f where contract_id = $1 and state = 'received'
    and exists (select from sync_profile p where p.id = f.profile_id and p.sync_type = $2) order by id`;

/** Another profile's import may have been quicker: an older version stored again would undo the newer one. */
const stillReceived = `select id from raw_file where contract_id = $1 and id = any($2) and state = 'received'`;

/** A refused file counts until a version of it was received again. */
const sequenceState = `
  with last as (select max(seq) as seq from raw_file where contract_id = $1 and state in ('imported', 'superseded'))
  select (select seq from last)::float8 as "lastSeq",
    array(select distinct f.seq::float8 from raw_file f, last where f.contract_id = $1 and f.state = 'duplicate' and f.seq > last.seq) as "duplicateSeqs",
    (select min(q.seq) from raw_file q where q.contract_id = $1 and q.state = 'quarantined'
       and not exists (select 1 from raw_file r where r.contract_id = $1 and r.logical_key = q.logical_key
         and r.state in ('received', 'imported', 'superseded')))::float8 as "refusedSeq"`;

/** Numbers that were imported under another key: no re-delivery, but a numbering that began anew. $2 and $3: of what waits. */
const renumbered = `
  select min(g.seq)::float8 as seq from raw_file g join unnest($2::bigint[], $3::text[]) as w (seq, key) on g.seq = w.seq and g.logical_key <> w.key
  where g.contract_id = $1 and g.state in ('imported', 'superseded')`;

export function importWith(adapter: Adapter, services: InterpreterServices) {
  return async (
    context: StepContext<SyncInput>,
    incoming: readonly Omit<ReceivedFile, 'id' | 'version'>[] = [],
  ): Promise<PreparedImport> => {
    const { contractId } = context.input;
    const subject = await readSyncSubject(context.read, context.input);
    const waiting = await context.read.query<ReceivedFile>(receivedFiles, [contractId, adapter.syncType]);
    const files: FileToImport[] = [...waiting, ...incoming];
    const plan = await planFor(adapter, context, files);
    const accepted: Accepted[] = [];
    const refused: Refused[] = [];
    const directory = await context.spoolDirectory();
    for (const [index, file] of plan.now.entries()) {
      context.progress(index, plan.now.length, 'files');
      const spoolPath = join(directory, `${index}.copy`);
      const answer = await decodeFile(
        adapter,
        services,
        { sha256: file.sha256, name: file.name, subject, spoolPath },
        { signal: context.signal, onProgress: (done, total) => context.progress(done, total, 'bytes') },
      );
      const purged = answer.ok ? await purgedCycle(context.read, contractId, answer.cycles) : null;
      if (answer.ok && purged === null) {
        accepted.push({ file, decoded: answer, spoolPath });
        continue;
      }
      refused.push({ file, problem: answer.ok ? purgedProblem(purged!) : answer.problem });
      // what follows a refused file waits for its good version, as after a gap
      if (plan.stopsAfter(file)) break;
    }
    context.progress(plan.now.length, plan.now.length, 'files');
    const heldBack = files.length - accepted.length - refused.length;
    const { missing, restarted } = plan;
    reportImport(services.alerts, subject, { accepted, refused, missing, restarted, heldBack });
    return {
      store: async (tx, stored) => {
        const counts = await store(tx, context.input, subject, { accepted, refused, heldBack, stored });
        await followUp(tx, services.alerts, { input: context.input, subject, accepted, refused });
        return counts;
      },
    };
  };
}

interface Plan {
  readonly now: readonly FileToImport[];
  /** Numbers that are waited for (block), or were skipped (alert). */
  readonly missing: { readonly numbers: readonly number[]; readonly blocks: boolean };
  /** The first number that is there a second time, and the highest there is. */
  readonly restarted: { readonly seq: number; readonly lastSeq: number } | null;
  stopsAfter(file: FileToImport): boolean;
}

async function planFor(
  adapter: Adapter,
  { read, input }: StepContext<SyncInput>,
  files: FileToImport[],
): Promise<Plan> {
  const { sequence } = adapter.layout.files;
  // without numbers: in the order in which they came
  if (!sequence)
    return { now: files, missing: { numbers: [], blocks: true }, restarted: null, stopsAfter: () => false };
  const [state] = await read.query<SequenceState>(sequenceState, [input.contractId]);
  const [again] = await read.query<{ seq: number | null }>(renumbered, [
    input.contractId,
    files.map(({ seq }) => seq ?? 0),
    files.map(({ logicalKey }) => logicalKey),
  ]);
  const { lastSeq } = state!;
  const numbered = files.map((file) => ({ file, seq: file.seq ?? 0, version: file.version ?? Infinity }));
  const plan = planImport(numbered, state!, sequence.gap);
  const blocks = sequence.gap === 'block';
  return {
    now: plan.now.map(({ file }) => file),
    missing: { numbers: plan.missing, blocks },
    restarted: again!.seq === null || lastSeq === null ? null : { seq: again!.seq, lastSeq },
    stopsAfter: (file) => blocks && (lastSeq === null || (file.seq ?? 0) > lastSeq),
  };
}

interface ToStore {
  readonly accepted: readonly Accepted[];
  readonly refused: readonly Refused[];
  readonly heldBack: number;
  readonly stored: readonly ReceivedFile[];
}

async function store(
  tx: Tx,
  input: SyncInput,
  subject: SyncSubject,
  { accepted, refused, heldBack, stored }: ToStore,
): Promise<Json> {
  await lockContract(tx, input.contractId);
  const contract = { id: input.contractId, cycleDay: subject.cycleDay, timeZone: subject.timeZone };
  const rows = new Map(stored.map((file) => [file.sha256, file]));
  const ids = [...accepted, ...refused].flatMap(({ file }) => file.id ?? []);
  const still = await tx.query<{ id: string }>(stillReceived, [input.contractId, ids]);
  const waiting = new Set(still.map(({ id }) => id));
  // what another task stored or imported meanwhile is that task's
  const rowOf = (file: FileToImport) => {
    if (file.id === undefined) return rows.get(file.sha256);
    return waiting.has(file.id) ? (file as ReceivedFile) : undefined;
  };
  const imported = accepted.flatMap((one) => {
    const row = rowOf(one.file);
    return row ? [{ ...one, id: row.id, logicalKey: row.logicalKey, version: row.version }] : [];
  });
  const cyclesOfRows = [...new Set(imported.flatMap(({ decoded }) => decoded.cycles))].sort();
  if (cyclesOfRows.length > 0) await ensureCycles(tx, contract, cyclesOfRows);
  const merges = imported.map((one) => toMerge(one, subject));
  const cycles = await mergeRecords(tx, input.contractId, merges);
  await markImported(tx, input.contractId, imported);
  const sum = (of: (decoded: Decoded) => number) => imported.reduce((all, { decoded }) => all + of(decoded), 0);
  const counts = {
    files: imported.length,
    records: sum(({ records }) => records),
    duplicates: sum(({ duplicates }) => duplicates),
    quarantinedLines: sum(({ quarantined }) => quarantined.length),
    quarantinedFiles: 0,
    heldBack,
  };
  for (const { file, problem } of refused) {
    const row = rowOf(file);
    if (!row) continue;
    await markQuarantined(tx, row.id, problem);
    counts.quarantinedFiles += 1;
  }
  await touchCycles(tx, input.contractId, cycles);
  await tx.query(noteCycles, [input.syncTaskId, input.contractId, cycles]);
  await tx.query('update sync_task set counts = counts || $2::jsonb where id = $1', [
    input.syncTaskId,
    JSON.stringify(counts),
  ]);
  return { ...counts, cycles };
}

/** Without a period of its own a file is as old as its first record: nothing in it is late. */
function toMerge(
  { decoded, id, logicalKey, version, spoolPath }: Accepted & Pick<ReceivedFile, 'id' | 'logicalKey' | 'version'>,
  { cycleDay }: SyncSubject,
) {
  const since = decoded.periodFrom ?? decoded.cycles[0];
  const fileCycle = since === undefined ? '-infinity' : cycleStartOfDate(since, cycleDay);
  return { rawFileId: id, logicalKey, version, fileCycle, spoolPath, rows: decoded.rows };
}

interface FollowUp {
  readonly input: SyncInput;
  readonly subject: SyncSubject;
  readonly accepted: readonly Accepted[];
  readonly refused: readonly Refused[];
}

/** What an API told wrong is asked for again; what was read again settles what was wrong before. */
async function followUp(tx: Tx, alerts: Alerts, { input, subject, accepted, refused }: FollowUp): Promise<void> {
  await readAgainLater(tx, input.profileId, accepted, refused);
  const settled = await settleWindows(tx, input, refused);
  if (settled.length === 0 && !accepted.some(({ file }) => windowOf(file.name))) return;
  reportPages(alerts, subject, { settled, accepted, open: await openRecords(tx, input.contractId) });
}

const noteCycles = `
  insert into sync_task_cycle (sync_task_id, contract_id, cycle_start) select $1, $2, unnest($3::date[]) on conflict do nothing`;
