/**
 * `match`: gives staged records to the contracts that they belong to. A record whose number is a subscription of its customer's
 * contract is merged into that contract's records; one of a number that nobody told us of stays in suspense, where the operator
 * sees it (`linekeeper suspense list`) and from where it goes on by itself once the subscription is told.
 */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { type Handler, type Json, type StepContext, succeeded } from '../../chains/define.ts';
import type { FileProblem, LineProblem } from '../../compute/tasks/file-problem.ts';
import type { Tx } from '../../database/session.ts';
import { cdrSpoolColumns } from '../../telecom/cdr-columns.ts';
import { cycleStartOfDate } from '../../telecom/cycle.ts';
import { ensureCycles, lockContract, touchCycles } from '../../totals/cycles.ts';
import { mergeRecords } from '../../totals/merge-records.ts';
import { purgedCycle, purgedProblem } from '../../totals/purged-cycle.ts';
import { markImported, markQuarantined } from '../interpreter/imported-files.ts';
import { readSyncSubject, type SyncInput, type SyncSubject } from '../sync-input.ts';
import type { RoutItServices } from './services.ts';
import { setDeliveryState } from './work-list.ts';

interface StagedDelivery {
  readonly id: string;
  readonly customerNo: string;
  readonly period: string;
  readonly name: string;
  readonly contractId: string;
  readonly cycleDay: number;
  readonly timeZone: string;
  readonly rawFileId: string;
  readonly logicalKey: string;
  readonly version: number;
  /** Of the file: `received` until a first match of it. */
  readonly fileState: string;
  readonly decoded: Kept;
  readonly known: number;
  readonly unknown: number;
  readonly unknownNumbers: number;
}

interface Kept {
  readonly records: number;
  readonly crc: string;
  readonly cycles: readonly string[];
  readonly quarantined: readonly LineProblem[];
}

/** Staged ones, and those in suspense of which a number has become known. In the order in which contracts are locked. */
const toMatch = `
  select d.id, d.customer_no as "customerNo", to_char(d.period, 'YYYY-MM') as period, d.name, k.id as "contractId",
    k.cycle_day as "cycleDay", k.time_zone as "timeZone", f.id as "rawFileId", f.logical_key as "logicalKey", f.version,
    f.state as "fileState", d.decoded,
    n.known::int as known, n.unknown::int as unknown, n.numbers::int as "unknownNumbers"
  from reseller_delivery d join raw_file f on f.id = d.raw_file_id join contract k on k.id = f.contract_id
  cross join lateral (
    select count(*) filter (where s.id is not null) as known, count(*) filter (where s.id is null) as unknown,
      count(distinct c.msisdn) filter (where s.id is null) as numbers, bool_or(s.id is not null and not c.matched) as news
    from reseller_cdr c left join subscription s on s.contract_id = k.id and s.msisdn = c.msisdn and s.source <> 'discovered'
    where c.delivery_id = d.id) n
  where d.contract_id = $1 and k.id <> $1 and (d.state = 'staged' or (d.state = 'suspense' and n.news))
  order by k.id, d.period`;

export function matchDeliveries(services: RoutItServices): Handler<SyncInput> {
  return async (context) => {
    const { read, input } = context;
    const subject = await readSyncSubject(read, input);
    const deliveries = await read.query<StagedDelivery>(toMatch, [input.contractId]);
    const directory = await context.spoolDirectory();
    const tooLate = new Map<string, FileProblem>();
    for (const [index, { id, contractId, decoded }] of deliveries.entries()) {
      context.progress(index, deliveries.length, 'files');
      const purged = await purgedCycle(read, contractId, decoded.cycles);
      if (purged !== null) {
        tooLate.set(id, purgedProblem(purged));
        continue;
      }
      await read.copyOut(exportKnown(id, contractId), createWriteStream(join(directory, `${id}.copy`)));
    }
    for (const one of deliveries) report(services, subject, one, tooLate.get(one.id));
    return succeeded({
      commit: async (tx) => {
        const counts = { files: 0, records: 0, quarantinedLines: 0, suspense: 0 };
        for (const one of deliveries) {
          const problem = tooLate.get(one.id);
          if (problem) {
            await refuse(tx, context, one, problem);
            continue;
          }
          await store(tx, context, one, join(directory, `${one.id}.copy`));
          counts.files += 1;
          counts.records += one.known;
          counts.quarantinedLines += one.decoded.quarantined.length;
          counts.suspense += one.unknown;
        }
        await tx.query('update sync_task set counts = counts || $2::jsonb where id = $1', [
          input.syncTaskId,
          JSON.stringify(counts satisfies Json),
        ]);
        return counts;
      },
    });
  };
}

/** COPY takes no parameters; both are ids that came from rows. */
function exportKnown(deliveryId: string, contractId: string): string {
  if (!/^\d+$/.test(deliveryId) || !/^\d+$/.test(contractId)) {
    throw new Error(`delivery ${deliveryId}, contract ${contractId}: not ids`);
  }
  const columns = cdrSpoolColumns.map((column) => `c.${column}`).join(', ');
  return `copy (
    select ${columns} from reseller_cdr c
    join subscription s on s.contract_id = ${contractId} and s.msisdn = c.msisdn and s.source <> 'discovered'
    where c.delivery_id = ${deliveryId} order by c.line_no) to stdout`;
}

const noteCycles = `
  insert into sync_task_cycle (sync_task_id, contract_id, cycle_start) select $1, $2, unnest($3::date[]) on conflict do nothing`;

const markMatched = `
  update reseller_cdr c set matched = true from subscription s
  where c.delivery_id = $1 and s.contract_id = $2 and s.msisdn = c.msisdn and s.source <> 'discovered'`;

async function store(
  tx: Tx,
  { input }: StepContext<SyncInput>,
  delivery: StagedDelivery,
  spoolPath: string,
): Promise<void> {
  const { id, contractId, rawFileId, logicalKey, version, decoded, cycleDay, timeZone, unknown } = delivery;
  await lockContract(tx, contractId);
  await ensureCycles(tx, { id: contractId, cycleDay, timeZone }, decoded.cycles);
  const fileCycle = cycleStartOfDate(`${delivery.period}-01`, cycleDay);
  const merge = { rawFileId, logicalKey, version, fileCycle, spoolPath, rows: delivery.known };
  const touched = await mergeRecords(tx, contractId, [merge]);
  if (delivery.fileState === 'received') {
    const { records, crc, quarantined } = decoded;
    const days = Temporal.PlainYearMonth.from(delivery.period).daysInMonth;
    const imported = {
      records,
      crc,
      quarantined,
      periodFrom: `${delivery.period}-01`,
      periodTo: `${delivery.period}-${days}`,
    };
    await markImported(tx, contractId, [{ id: rawFileId, logicalKey, version, decoded: imported }]);
  }
  await touchCycles(tx, contractId, touched);
  await tx.query(noteCycles, [input.syncTaskId, contractId, touched]);
  if (unknown === 0) {
    await tx.query('delete from reseller_cdr where delivery_id = $1', [id]);
    await setDeliveryState(tx, { id, syncTaskId: input.syncTaskId }, 'matched', null);
    return;
  }
  await tx.query(markMatched, [id, contractId]);
  const reason = `${unknown} records of ${delivery.unknownNumbers} numbers that are no subscription of the contract`;
  await setDeliveryState(tx, { id, syncTaskId: input.syncTaskId }, 'suspense', reason);
}

/** Nobody could tell what of it was billed already. */
async function refuse(
  tx: Tx,
  { input }: StepContext<SyncInput>,
  { id, rawFileId, fileState }: StagedDelivery,
  problem: FileProblem,
): Promise<void> {
  if (fileState === 'received') await markQuarantined(tx, rawFileId, problem);
  await tx.query('delete from reseller_cdr where delivery_id = $1', [id]);
  await setDeliveryState(tx, { id, syncTaskId: input.syncTaskId }, 'refused', problem.message);
}

function report(
  { alerts }: RoutItServices,
  { customer }: SyncSubject,
  delivery: StagedDelivery,
  problem: FileProblem | undefined,
): void {
  const { customerNo, period, name, unknown, unknownNumbers } = delivery;
  const subject = `${customer}/${customerNo}/${period}`;
  if (problem) {
    const message = `${name} is refused, nothing more of it was imported: ${problem.message}`;
    alerts.raise({ rule: 'file.quarantined', subject: `${customer}/${name}`, level: 'critical', message });
  }
  if (unknown === 0 || problem) {
    alerts.resolve('routit.suspense', subject);
    return;
  }
  const message = `${unknown} records of end customer ${customerNo} for ${period} are of ${unknownNumbers} numbers that nobody told us of; see: linekeeper suspense list`;
  alerts.raise({ rule: 'routit.suspense', subject, level: 'warning', message });
}
