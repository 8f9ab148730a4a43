/** Decodes bytes of a test in chunks of a given size, and keeps what came out as plain rows. */

import type { FileProblem } from '../../../src/compute/tasks/file-problem.ts';
import { type DecodedFile, type DecodeOptions, FilePass } from '../../../src/providers/decode/file-pass.ts';
import { compileLayout } from '../../../src/providers/decode/layout.ts';
import type { DecodedRecord } from '../../../src/providers/decode/record.ts';
import { FileRefused } from '../../../src/providers/decode/refusal.ts';
import { type LayoutSource, layoutSpec } from '../../../src/providers/spec/layout-spec.ts';

export interface Row {
  readonly line: number;
  readonly key: string;
  readonly original: string;
  readonly correction: string;
  readonly version: number;
  readonly msisdn: string;
  readonly kind: string;
  readonly category: string;
  readonly code: string | null;
  readonly prefix: string;
  readonly masked: string | null;
  readonly visited: string;
  readonly start: string;
  readonly local: string;
  readonly usage: readonly [seconds: number, octets: number, count: number];
  readonly amountE8: number;
  readonly inBundle: boolean | null;
  readonly hash: string;
}

export type Outcome =
  | { readonly ok: true; readonly rows: readonly Row[]; readonly file: DecodedFile }
  | { readonly ok: false; readonly problem: FileProblem };

export const usual: DecodeOptions = {
  name: 'usage.dat',
  account: '4711',
  timeZone: 'Europe/Amsterdam',
  numberMask: 4,
  hashKey: null,
  nowMs: Date.parse('2026-11-20T12:00:00Z'),
};

export function decodeBytes(
  source: LayoutSource,
  bytes: Uint8Array,
  chunk = bytes.length,
  changes: Partial<DecodeOptions> = {},
): Outcome {
  const layout = compileLayout(layoutSpec.parse(source));
  const options = { ...usual, ...changes };
  try {
    let replacedLines: ReadonlySet<number> = new Set();
    for (;;) {
      const rows: Row[] = [];
      const sink = {
        begin() {},
        record: (record: DecodedRecord) => void rows.push(rowOf(record)),
        end() {},
        discard() {},
      };
      const pass = new FilePass(layout, { ...options, expectedRecords: 10, replacedLines }, sink);
      for (let at = 0; at < bytes.length; at += chunk) pass.push(bytes.subarray(at, at + chunk));
      const { file, replaced } = pass.end();
      if (replaced.size === 0 || replacedLines.size > 0) return { ok: true, rows, file };
      replacedLines = replaced;
    }
  } catch (error) {
    if (error instanceof FileRefused) return { ok: false, problem: error.problem };
    throw error;
  }
}

function rowOf(record: DecodedRecord): Row {
  const { bytes, keyBytes, keyFrom, keyTo } = record;
  const date = String(record.date);
  const clock = new Date(record.second * 1000).toISOString().slice(11, 19);
  return {
    line: record.line,
    key: keyBytes.toString(keyTo - keyFrom === 36 && keyFrom === 0 ? 'hex' : 'utf8', keyFrom, keyTo),
    original: bytes.toString('utf8', record.originalFrom, record.originalTo),
    correction: String.fromCharCode(record.correction),
    version: record.version,
    msisdn: record.msisdnCountry + bytes.toString('latin1', record.msisdnFrom, record.msisdnFrom + record.msisdnDigits),
    kind: record.kind,
    category: record.category,
    code: record.code?.code ?? null,
    prefix: record.prefix,
    masked: record.dialled.masked,
    visited: record.visited,
    start: new Date(record.startMs).toISOString(),
    local: `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)} ${clock}`,
    usage: [record.usageS, record.usageOctets, record.usageCount],
    amountE8: record.providerAmountE8,
    inBundle: record.inBundle,
    hash: `${record.hashHigh}/${record.hashLow}`,
  };
}
