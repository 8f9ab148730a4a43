/** Runs the decode task in this thread on bytes of a test and reads its spool back. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSp16 } from '../../../src/compute/tasks/decode-sp16.ts';
import type { DecodeSp16Args, DecodeSp16Result } from '../../../src/compute/tasks/messages.ts';
import { cdrSpoolColumns } from '../../../src/telecom/cdr-columns.ts';
import { account, fileNameOf } from './sp16-bytes.ts';

export type SpoolRow = Record<(typeof cdrSpoolColumns)[number], string>;
export interface Decoded {
  readonly result: DecodeSp16Result;
  readonly rows: SpoolRow[];
  readonly spool: string;
  readonly spoolExists: boolean;
}

export const noControl = { throwIfAborted() {}, progress() {} };

export async function decode(bytes: Uint8Array, changes: Partial<DecodeSp16Args> = {}): Promise<Decoded> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-sp16-'));
  try {
    const path = join(directory, 'file');
    const spoolPath = join(directory, 'spool');
    writeFileSync(path, bytes);
    const result = await decodeSp16(
      {
        task: 'decode-sp16',
        path,
        gzip: bytes[0] === 0x1f,
        name: fileNameOf(),
        account,
        timeZone: 'Europe/Amsterdam',
        cycleDay: 1,
        numberMask: 4,
        hashKey: Buffer.from('key of this customer'),
        nowMs: Date.parse('2026-11-20T12:00:00Z'),
        spoolPath,
        ...changes,
      },
      noControl,
    );
    const spoolExists = existsSync(spoolPath);
    const spool = spoolExists ? readFileSync(spoolPath, 'latin1') : '';
    return { result, spool, spoolExists, rows: spool.split('\n').slice(0, -1).map(rowOf) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function rowOf(text: string): SpoolRow {
  const fields = text.split('\t');
  if (fields.length !== cdrSpoolColumns.length) throw new Error(`${fields.length} fields in ${text}`);
  return Object.fromEntries(cdrSpoolColumns.map((name, index) => [name, fields[index]])) as SpoolRow;
}
