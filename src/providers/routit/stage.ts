/**
 * `stage`: after the join. Customers whose file did not come are marked; every file that did is decoded and compared with what
 * the overview said of it: as many records and the same sum, to the last digit, else the whole file is refused. Its records wait
 * in `reseller_cdr` for `match`. A customer that nobody has a contract for is checked all the same, and its file waits in the
 * archive: it is decoded again with that contract's own key, once there is one.
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { type Handler, type StepContext, succeeded } from '../../chains/define.ts';
import type { FileProblem } from '../../compute/tasks/file-problem.ts';
import type { Tx } from '../../database/session.ts';
import { cdrSpoolColumns } from '../../telecom/cdr-columns.ts';
import { purgedCycle, purgedProblem } from '../../totals/purged-cycle.ts';
import { type Decoded, decodeFile } from '../interpreter/decoder.ts';
import { markQuarantined } from '../interpreter/imported-files.ts';
import { readSyncSubject, type SyncInput, type SyncSubject } from '../sync-input.ts';
import { decimalMarkOf } from './decimal-mark.ts';
import { chargesLayouts } from './layout.ts';
import type { RoutItServices } from './services.ts';
import { type EndContract, endContract, setDeliveryState } from './work-list.ts';

interface FetchedDelivery {
  readonly id: string;
  readonly customerNo: string;
  readonly period: string;
  readonly name: string;
  readonly records: number;
  readonly netE8: number;
  readonly rawFileId: string;
  readonly sha256: string;
}

/** Fetched ones, and those that waited for a contract that is there now. */
const toStage = `
  select d.id, d.customer_no as "customerNo", to_char(d.period, 'YYYY-MM') as period, d.name, d.records::float8 as records,
    d.net_e8::float8 as "netE8", d.raw_file_id as "rawFileId", encode(f.sha256, 'hex') as sha256
  from reseller_delivery d join raw_file f on f.id = d.raw_file_id
  where d.contract_id = $1 and (d.state = 'fetched' or (d.state = 'suspense' and f.contract_id = $1 and exists (
    select from contract r join contract k on k.provider = r.provider and k.account_no = lpad(d.customer_no, 10, '0') and k.id <> r.id
    where r.id = $1)))
  order by d.period, d.customer_no`;

const notCome = `
  select id, customer_no as "customerNo", to_char(period, 'YYYY-MM') as period, name, state, reason from reseller_delivery
  where contract_id = $1 and (state = 'listed' or (state = 'failed' and sync_task_id = $2))`;

interface Missing {
  readonly id: string;
  readonly customerNo: string;
  readonly period: string;
  readonly name: string;
  readonly state: 'listed' | 'failed';
  readonly reason: string | null;
}

type Staged = {
  readonly delivery: FetchedDelivery;
  readonly end: EndContract | null;
} & (
  | { readonly ok: true; readonly decoded: Decoded; readonly spoolPath: string }
  | { readonly ok: false; readonly problem: FileProblem }
);

export function stageDeliveries(services: RoutItServices): Handler<SyncInput> {
  return async (context) => {
    const { read, input } = context;
    const subject = await readSyncSubject(read, input);
    const missing = await missingOf(context);
    const deliveries = await read.query<FetchedDelivery>(toStage, [input.contractId]);
    const directory = await context.spoolDirectory();
    const staged: Staged[] = [];
    for (const [index, delivery] of deliveries.entries()) {
      context.progress(index, deliveries.length, 'files');
      const [end] = await read.query<EndContract>(endContract, [input.contractId, delivery.customerNo]);
      staged.push(
        await decode(services, context, subject, delivery, end ?? null, join(directory, `${delivery.id}.copy`)),
      );
    }
    report(services, subject, missing, staged);
    return succeeded({
      output: { files: staged.length, refused: staged.filter(({ ok }) => !ok).length, missing: missing.length },
      commit: async (tx) => {
        for (const { id, reason } of missing) {
          await setDeliveryState(tx, { id, syncTaskId: input.syncTaskId }, 'failed', reason);
        }
        for (const one of staged) await store(tx, input, one);
      },
    });
  };
}

/** What is still only listed after the join, with what its child ended with. */
async function missingOf({ read, input, children }: StepContext<SyncInput>): Promise<readonly Missing[]> {
  const reasons = new Map<string, string>();
  for await (const one of children()) {
    if (one.state !== 'succeeded')
      reasons.set(one.subject ?? '', one.reason ?? `its chain ${one.chainId} is ${one.state}`);
  }
  const rows = await read.query<Missing>(notCome, [input.contractId, input.syncTaskId]);
  return rows.map((row) => ({
    ...row,
    reason:
      row.state === 'failed' ? row.reason : (reasons.get(`${row.customerNo}/${row.period}`) ?? 'it was not fetched'),
  }));
}

async function decode(
  services: RoutItServices,
  context: StepContext<SyncInput>,
  subject: SyncSubject,
  delivery: FetchedDelivery,
  end: EndContract | null,
  spoolPath: string,
): Promise<Staged> {
  const mark = await decimalMarkOf(services.archive.path(delivery.sha256));
  const { cycleDay, timeZone, numberMask, hashKey, contractFromMs, contractToMs } = end ?? subject;
  const answer = await decodeFile(
    { layout: chargesLayouts[mark] },
    services,
    {
      sha256: delivery.sha256,
      name: delivery.name,
      subject: {
        ...subject,
        ...{ account: delivery.customerNo, cycleDay, timeZone, numberMask, hashKey, contractFromMs, contractToMs },
      },
      spoolPath,
    },
    { signal: context.signal, onProgress: (done, total) => context.progress(done, total, 'bytes') },
  );
  if (!answer.ok) return { delivery, end, ok: false, problem: answer.problem };
  const purged = end ? await purgedCycle(context.read, end.id, answer.cycles) : null;
  const problem = purged === null ? differenceFrom(delivery, answer) : purgedProblem(purged);
  return problem ? { delivery, end, ok: false, problem } : { delivery, end, ok: true, decoded: answer, spoolPath };
}

/** What the overview said of the file is its trailer. */
function differenceFrom({ name, records, netE8 }: FetchedDelivery, decoded: Decoded): FileProblem | null {
  const where = { line: null, field: null, value: null };
  if (decoded.records !== records) {
    const message = `${name} holds ${decoded.records} records, the overview says ${records}`;
    return { ...where, code: 'overview-records', message };
  }
  if (decoded.amountE8 === null) {
    const message = `${name}: an amount cannot be read, so that its sum cannot be compared with the overview's`;
    return { ...where, code: 'overview-sum', message };
  }
  if (decoded.amountE8 === BigInt(netE8)) return null;
  const message = `${name} adds up to ${decoded.amountE8} (1e-8 EUR), the overview says ${netE8}`;
  return { ...where, code: 'overview-sum', message };
}

const columns = cdrSpoolColumns.join(', ');
const createIncoming = `create temp table if not exists reseller_incoming on commit drop as select ${columns} from reseller_cdr with no data`;
const keepIncoming = `insert into reseller_cdr (delivery_id, ${columns}) select $1, ${columns} from reseller_incoming`;

const setStaged = `
  update reseller_delivery set state = $2, reason = $3, decoded = $4, sync_task_id = $5, changed_at = now(),
    staged_e8 = (select coalesce(sum(provider_amount_e8), 0) from reseller_cdr where delivery_id = $1)
  where id = $1`;

/** A file that came before its customer had a contract moves there. */
const moveFile = `
  update raw_file f set contract_id = $2, version = 1 + (
    select coalesce(max(o.version) filter (where o.state <> 'duplicate'), 0) from raw_file o
    where o.contract_id = $2 and o.logical_key = f.logical_key)
  where f.id = $1 and f.contract_id <> $2`;

async function store(tx: Tx, input: SyncInput, staged: Staged): Promise<void> {
  const { delivery, end } = staged;
  const { id, rawFileId } = delivery;
  await tx.query('delete from reseller_cdr where delivery_id = $1', [id]);
  if (!staged.ok) {
    // the same bytes may be in totals already, and only what the overview says of them be wrong now
    const [file] = await tx.query<{ state: string }>('select state from raw_file where id = $1', [rawFileId]);
    if (file?.state === 'received') await markQuarantined(tx, rawFileId, staged.problem);
    await setDeliveryState(tx, { id, syncTaskId: input.syncTaskId }, 'refused', staged.problem.message);
    return;
  }
  const decoded = JSON.stringify(keptOf(staged.decoded));
  if (!end) {
    const reason = `no contract has the account ${delivery.customerNo}`;
    await tx.query(setStaged, [id, 'suspense', reason, decoded, input.syncTaskId]);
    return;
  }
  await tx.query(moveFile, [rawFileId, end.id]);
  await tx.query(createIncoming);
  await tx.query('truncate reseller_incoming');
  const copied = await tx.copyIn(`copy reseller_incoming (${columns}) from stdin`, createReadStream(staged.spoolPath));
  if (copied !== staged.decoded.rows) {
    throw new Error(`spool file of ${delivery.name} gave ${copied} rows, expected ${staged.decoded.rows}`);
  }
  await tx.query(keepIncoming, [id]);
  await tx.query(setStaged, [id, 'staged', null, decoded, input.syncTaskId]);
}

/** What `match` needs to know of it, when the spool file is gone. */
function keptOf({ records, crc, cycles, quarantined, duplicates, rows }: Decoded) {
  return { records, crc, cycles, quarantined, duplicates, rows };
}

function report(
  { alerts }: RoutItServices,
  { customer }: SyncSubject,
  missing: readonly Missing[],
  staged: readonly Staged[],
): void {
  for (const { customerNo, period, name, reason } of missing) {
    const message = `${name} of end customer ${customerNo} did not come: ${reason}; the other customers are not held up, and the next task tries again`;
    alerts.raise({
      rule: 'routit.customer-failed',
      subject: `${customer}/${customerNo}/${period}`,
      level: 'warning',
      message,
    });
  }
  for (const one of staged) {
    const { customerNo, period, name } = one.delivery;
    alerts.resolve('routit.customer-failed', `${customer}/${customerNo}/${period}`);
    const about = `${customer}/${name}`;
    if (!one.ok) {
      const message = `${name} is quarantined, nothing of it was imported: ${one.problem.message}`;
      alerts.raise({
        rule: 'file.quarantined',
        subject: about,
        level: 'critical',
        message,
        detail: { ...one.problem },
      });
      continue;
    }
    alerts.resolve('file.quarantined', about);
    if (!one.end) {
      const message = `end customer ${customerNo} has no contract with us; ${one.decoded.records} records of ${period} wait for one; see: linekeeper suspense list`;
      alerts.raise({
        rule: 'routit.suspense',
        subject: `${customer}/${customerNo}/${period}`,
        level: 'warning',
        message,
      });
    }
    const [first] = one.decoded.quarantined;
    if (!first) alerts.resolve('file.lines-quarantined', about);
    else {
      const message = `${one.decoded.quarantined.length} lines of ${name} are quarantined; first: line ${first.line}, ${first.message}`;
      alerts.raise({ rule: 'file.lines-quarantined', subject: about, level: 'warning', message });
    }
    const unknown = one.decoded.unknownCallCodes;
    if (unknown.length > 0) {
      const message = `${name} has unknown types ${unknown.join(', ')}; their records are imported as unrated`;
      alerts.raise({
        rule: 'file.unknown-call-code',
        subject: `${customer}/${unknown.join(',')}`,
        level: 'warning',
        message,
        once: true,
      });
    }
  }
}
