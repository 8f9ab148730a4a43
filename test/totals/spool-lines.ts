/** Spool files of a few records, for tests of merging them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../../src/database/session.ts';
import type { FileToMerge } from '../../src/totals/merge-stage.ts';
import { makeFile, type TestContract } from '../support/contract.ts';

export interface Line {
  readonly id: string;
  readonly content: number;
  readonly correction?: 'C' | 'D';
  readonly original?: string;
  readonly cycle?: string;
  /** The provider's own version. */
  readonly provider?: number;
  readonly category?: string;
}

/** Its period begins with 2026-04. */
export async function spoolFile(
  database: Database,
  directory: string,
  contract: TestContract,
  { seq, lines, version = 1 }: { seq: number; lines: readonly Line[]; version?: number },
): Promise<FileToMerge> {
  const file = await makeFile(database, contract, seq, version);
  const spoolPath = join(directory, `${file.rawFileId}.copy`);
  await writeFile(spoolPath, lines.map(spoolRow).join(''));
  return { ...file, fileCycle: '2026-04-01', spoolPath, rows: lines.length };
}

function spoolRow(line: Line, index: number): string {
  const hex = (text: string) => `\\\\x${Buffer.from(text).toString('hex')}`;
  return `${[
    index + 2,
    hex(line.id),
    line.original ? hex(line.original) : '\\N',
    line.correction ?? ' ',
    line.content,
    line.cycle ?? '2026-04-01',
    '31612345678',
    'voice',
    '1100',
    line.category ?? 'national-mobile',
    '\\N',
    '3161234',
    '+3161234****',
    '\\N',
    '2026-04-10 10:00:00+00',
    '2026-04-10 12:00:00',
    'f',
    'f',
    60,
    0,
    1,
    12000000,
    '21',
    'f',
    line.provider ?? 0,
  ].join('\t')}\n`;
}
