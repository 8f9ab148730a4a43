/**
 * A whole SP16X file: header, lines, trailer with count, sum and crc, gzipped without a time, and its marker. The same
 * contents give the same bytes.
 */
import { createHash } from 'node:crypto';
import { crc32, gzipSync } from 'node:zlib';
import type { Calendar } from './calendar.ts';
import { formatHeader, formatLine, formatTrailer } from './sp16-line.ts';
import type { UsageRecord } from './usage-record.ts';

export interface FileContents {
  account: string;
  /** `2026-03`; the period is this month and the file was made in the night after it. */
  month: string;
  seq: number;
  previous: { seq: number; crc: string };
  lines: readonly UsageRecord[];
}

/** What a fault changes in an otherwise good file. */
export interface Tampering {
  headerAccount?: string;
  wrongTrailer?: 'count' | 'sum' | 'crc';
  /** Finished lines to stand behind the good ones; counted and summed in the trailer. */
  extraLines?: { text: string; amountE4: number }[];
}

export interface Sp16File {
  name: string;
  gz: Buffer;
  /** What the trailer says of the bytes before it; the next file's header repeats it. */
  crc: string;
  recordCount: number;
}

const firstFile = { seq: 0, crc: '00000000' };
const nightHoursS = 4.5 * 3600;

export function noPreviousFile(): { seq: number; crc: string } {
  return { ...firstFile };
}

export function encodeFile(contents: FileContents, calendar: Calendar, tampering: Tampering = {}): Sp16File {
  const { fromS, toS } = calendar.monthRange(contents.month);
  const header = formatHeader({
    account: tampering.headerAccount ?? contents.account,
    seq: contents.seq,
    periodFrom: calendar.localText(fromS).slice(0, 8),
    periodTo: calendar.localText(toS - 1).slice(0, 8),
    created: calendar.localText(toS + nightHoursS),
    previous: contents.previous,
  });
  const extra = tampering.extraLines ?? [];
  const lines = contents.lines.map((record) => formatLine(record, calendar));
  const body = Buffer.from(`${[header, ...lines, ...extra.map((line) => line.text)].join('\r\n')}\r\n`, 'latin1');
  const crc = crcText(crc32(body));
  const count = lines.length + extra.length;
  const sumE4 = [...contents.lines, ...extra].reduce((sum, line) => sum + line.amountE4, 0);
  const trailer = formatTrailer(
    tampering.wrongTrailer === 'count' ? count + 1 : count,
    tampering.wrongTrailer === 'sum' ? sumE4 + 1 : sumE4,
    tampering.wrongTrailer === 'crc' ? crcText(crc32(body) ^ 1) : crc,
  );
  const plain = Buffer.concat([body, Buffer.from(`${trailer}\r\n`, 'latin1')]);
  return { name: fileName(contents.account, contents.month, contents.seq), gz: gzip(plain), crc, recordCount: count };
}

export function fileName(account: string, month: string, seq: number): string {
  return `SP16X_${account}_${month.replace('-', '')}_${String(seq).padStart(6, '0')}.dat.gz`;
}

/** The text of the marker that says the file is complete. */
export function markerOf(gz: Buffer): string {
  return `${createHash('sha256').update(gz).digest('hex')} ${gz.length}\n`;
}

function gzip(plain: Buffer): Buffer {
  const gz = gzipSync(plain, { level: 6 });
  gz.fill(0, 4, 8); // no modification time
  gz[9] = 255; // unknown operating system: the same bytes everywhere
  return gz;
}

function crcText(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0');
}
