/**
 * Turns the lines of an account into its files, with the faults of the plan built in, and keeps book of what must become of
 * them: files that have to be refused, files that wait behind a gap, lines that belong in quarantine. The truth stays that
 * of the good lines; only F11 changes it, because an unknown call code is imported and stays unrated.
 */
import type { Account } from './account.ts';
import type { Calendar } from './calendar.ts';
import { type Fault, faultOf } from './fault-plan.ts';
import { redeliveredLines } from './redelivery.ts';
import { encodeFile, fileName, markerOf, noPreviousFile, type Sp16File, type Tampering } from './sp16-file.ts';
import { formatLine } from './sp16-line.ts';
import type { UsageRecord } from './usage-record.ts';

export interface WrittenFile {
  /** Below the output directory. */
  path: string;
  bytes: Buffer | string;
}

/** What the product must do with the file of one month. */
export interface Expectation {
  month: string;
  file: string;
  fate: 'imported' | 'refused' | 'blocked';
  /** 1-based lines of the file that must be quarantined. */
  badLines: number[];
  /** Cycle starts that lines of this file belong to. */
  cycles: string[];
}

export interface AccountFiles {
  written: WrittenFile[];
  expectations: Expectation[];
  /** The lines that count, file by file. */
  lines: UsageRecord[][];
  /** The same after the re-deliveries of `redeliver/`; null when the plan has none. */
  redelivered: UsageRecord[][] | null;
}

export interface FaultyDelivery {
  account: Account;
  calendar: Calendar;
  months: readonly string[];
  lines: readonly UsageRecord[][];
  faults: readonly Fault[];
}

/** A share of bad lines above this, and the whole file is refused. */
const tolerableShare = 0.001;

export function accountFiles(delivery: FaultyDelivery): AccountFiles {
  const { account, calendar, months, faults } = delivery;
  const result: AccountFiles = { written: [], expectations: [], lines: [], redelivered: null };
  let previous = noPreviousFile();
  let blocked = false;
  const redelivered = new Map<number, UsageRecord[]>();
  months.forEach((month, index) => {
    const fault = faultOf(faults, account.customer, month);
    const lines = withUnknownCodes(delivery.lines[index] ?? [], fault);
    result.lines.push(lines);
    if (fault?.fault === 'F08') {
      const gap = { account: account.account, month, seq: previous.seq + 1, previous, lines: [] };
      const missing = encodeFile(gap, calendar);
      result.written.push(...pair(`missing/${account.account}`, missing));
      previous = { seq: gap.seq, crc: missing.crc };
      blocked = true;
    }
    const contents = { account: account.account, month, seq: previous.seq + 1, previous, lines };
    const bad = impossibleLines(lines, delivery, fault);
    const file = encodeFile(contents, calendar, tamperingOf(fault, bad));
    result.written.push(...spoiltPair(`drops/${account.account}`, file, fault));
    if (fault?.fault === 'F06') {
      const name = fileName(account.account, month, contents.seq + 900_000);
      result.written.push(...pair(`drops/${account.account}`, { ...file, name }));
    }
    const refused = isRefused(fault, bad.length, file.recordCount);
    result.expectations.push({
      month,
      file: file.name,
      fate: refused ? 'refused' : blocked ? 'blocked' : 'imported',
      badLines: refused ? [] : bad.map((_line, position) => lines.length + 2 + position),
      cycles: [...new Set(lines.map((line) => `${calendar.monthOf(line.startS)}-01`))].sort(),
    });
    blocked ||= refused;
    previous = { seq: contents.seq, crc: file.crc };
    if (fault?.fault === 'F07') {
      const changed = redeliveredLines(delivery.lines, index);
      redelivered.set(index, changed);
      result.written.push(
        ...pair(`redeliver/${account.account}`, encodeFile({ ...contents, lines: changed }, calendar)),
      );
    }
  });
  if (redelivered.size === 0) return result;
  return { ...result, redelivered: result.lines.map((lines, index) => redelivered.get(index) ?? lines) };
}

function isRefused(fault: Fault | undefined, badLines: number, recordCount: number): boolean {
  if (fault === undefined) return false;
  return ['F04', 'F05', 'F20'].includes(fault.fault) || badLines > recordCount * tolerableShare;
}

function tamperingOf(fault: Fault | undefined, extraLines: { text: string; amountE4: number }[]): Tampering {
  if (fault?.fault === 'F05') return { wrongTrailer: fault.variant as 'count' | 'sum' | 'crc' };
  if (fault?.fault === 'F20') return { headerAccount: '0000099999' };
  return { extraLines };
}

/** F11: five voice lines that stand alone (edge calls are never doubled or corrected) get a call code nobody knows. */
function withUnknownCodes(lines: UsageRecord[], fault: Fault | undefined): UsageRecord[] {
  if (fault?.fault !== 'F11') return lines;
  const edges = lines.filter((line) => line.isEdge && line.line === '10' && line.callCode !== '9999').slice(0, 5);
  const chosen = new Set(edges.map((line) => line.id));
  return lines.map((line) => (chosen.has(line.id) ? { ...line, callCode: '9998' } : line));
}

/** F12: one line that cannot be true, behind the good ones. */
function impossibleLines(
  lines: readonly UsageRecord[],
  { account, calendar }: FaultyDelivery,
  fault: Fault | undefined,
) {
  const model = lines.findLast((line) => line.line === '10' && line.change === '');
  if (fault?.fault !== 'F12' || model === undefined) return [];
  const text = formatLine({ ...model, id: `B${model.id.slice(1)}` }, calendar);
  const spoilt = {
    garbage: overwrite(text, 69, '00A0x012'),
    negative: overwrite(text, 69, '-0000012'),
    '27h': overwrite(text, 69, '00097205'),
    future: overwrite(text, 54, '20990101120000'),
    'before-contract': overwrite(text, 54, lastSecondBefore(account.validFrom, calendar)),
  }[fault.variant];
  return [{ text: spoilt ?? text, amountE4: model.amountE4 }];
}

function lastSecondBefore(day: string, calendar: Calendar): string {
  return calendar.localText(calendar.instantOf(`${day}T00:00:00`) - 1);
}

function overwrite(line: string, at: number, text: string): string {
  return line.slice(0, at - 1) + text + line.slice(at - 1 + text.length);
}

function pair(directory: string, file: Pick<Sp16File, 'name' | 'gz'>): WrittenFile[] {
  const path = `${directory}/${file.name}`;
  return [
    { path, bytes: file.gz },
    { path: `${path}.ok`, bytes: markerOf(file.gz) },
  ];
}

/** F04: the marker speaks of the whole file, and what lies there is not it. */
function spoiltPair(directory: string, file: Sp16File, fault: Fault | undefined): WrittenFile[] {
  const [gz, marker] = pair(directory, file) as [WrittenFile, WrittenFile];
  if (fault?.fault !== 'F04') return [gz, marker];
  if (fault.variant === 'no-marker') return [gz];
  if (fault.variant === 'wrong-sha') return [gz, { ...marker, bytes: `${'0'.repeat(64)} ${file.gz.length}\n` }];
  return [{ ...gz, bytes: file.gz.subarray(0, Math.floor(file.gz.length * 0.6)) }, marker];
}
