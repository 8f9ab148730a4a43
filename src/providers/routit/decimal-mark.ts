/**
 * Whether a file of charges writes its amounts with a point or a comma: as its first record does. Only a form with exactly two
 * or four decimals is taken for an answer; the records after it must be written alike, else each of them is a line error. What
 * cannot be told (no records, a file that cannot be read) is a point: the decoder says what is wrong with it.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { DecimalMark } from './layout.ts';

const headBytes = 65_536;
const column = 'Purchase';

export async function decimalMarkOf(path: string): Promise<DecimalMark> {
  const [names, first] = rowsIn(await headOf(path), 2);
  const amount = first?.[names?.indexOf(column) ?? -1] ?? '';
  return /^-?\d+(\.\d{3})*,(\d\d|\d{4})$/.test(amount) ? 'comma' : 'point';
}

async function headOf(path: string): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  const source = createReadStream(path);
  const unpacked = source.pipe(createGunzip());
  source.on('error', (error) => unpacked.destroy(error));
  try {
    for await (const part of unpacked as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= headBytes) break;
    }
  } catch {
    // truncated or no gzip at all: what came so far may still tell
  } finally {
    source.destroy();
    unpacked.destroy();
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

/** The first `count` rows that are whole (RFC 4180 with `;`). */
function rowsIn(text: string, count: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^";\r\n]*))(;|\r?\n)/y;
  while (rows.length < count) {
    const match = cell.exec(text);
    if (match === null) break;
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ';') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
