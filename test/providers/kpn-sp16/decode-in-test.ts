/** Runs the decode task in this thread on bytes of a test and reads its spool back. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode as decodeTask } from '../../../src/compute/tasks/decode.ts';
import type { DecodeArgs, DecodeResult } from '../../../src/compute/tasks/messages.ts';
import { kpnSp16Layout } from '../../../src/providers/kpn-sp16/spec.ts';
import { cdrSpoolColumns } from '../../../src/telecom/cdr-columns.ts';
import { account, fileNameOf } from './sp16-bytes.ts';

export type SpoolRow = Record<(typeof cdrSpoolColumns)[number], string>;
export interface Decoded {
  readonly result: DecodeResult;
  readonly rows: SpoolRow[];
  readonly spool: string;
  readonly spoolExists: boolean;
}

export const noControl = { throwIfAborted() {}, progress() {} };

export async function decode(bytes: Uint8Array, changes: Partial<DecodeArgs> = {}): Promise<Decoded> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-sp16-'));
  try {
    const path = join(directory, 'file');
    const spoolPath = join(directory, 'spool');
    writeFileSync(path, bytes);
    const result = await decodeTask(
      {
        task: 'decode',
        path,
        compression: bytes[0] === 0x1f ? 'gz' : 'none',
        spec: kpnSp16Layout,
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
