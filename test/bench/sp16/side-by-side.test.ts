import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HandFile } from '../../../bench/sp16/by-hand/file.ts';
import type { Sp16Record } from '../../../bench/sp16/by-hand/record.ts';
import { type BenchFile, benchFile } from '../../../bench/sp16/generate.ts';
import { sideBySide } from '../../../bench/sp16/side-by-side.ts';
import { FilePass } from '../../../src/providers/decode/file-pass.ts';
import { compileLayout } from '../../../src/providers/decode/layout.ts';
import type { DecodedRecord } from '../../../src/providers/decode/record.ts';
import { kpnSp16Layout } from '../../../src/providers/kpn-sp16/spec.ts';

let directory: string;
let file: BenchFile;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'side-'));
  file = benchFile(directory, 1, 3);
});
after(() => rmSync(directory, { recursive: true }));

test('the decoder of the layout and the one by hand answer the same rows, field by field', () => {
  const bytes = readFileSync(file.path);
  const options = {
    ...{ name: file.name, account: file.account, timeZone: 'Europe/Amsterdam', numberMask: 4 },
    ...{ hashKey: Buffer.from('key'), nowMs: Date.UTC(2026, 10, 20), expectedRecords: 16 },
  };
  const ofLayout: object[] = [];
  const byHand: object[] = [];
  const sink = {
    begin() {},
    end() {},
    discard() {},
    record: (record: DecodedRecord) => {
      const text = (from: number, to: number) => record.bytes.toString('latin1', from, to);
      ofLayout.push({
        ...common(record),
        key: text(record.keyFrom, record.keyTo),
        msisdn: text(record.msisdnFrom, record.msisdnFrom + record.msisdnDigits),
        code: record.code?.code,
        vat: text(record.vatFrom, record.vatTo),
      });
    },
  };
  const layout = new FilePass(compileLayout(kpnSp16Layout), { ...options, replacedLines: new Set() }, sink);
  const hand = new HandFile(options, {
    record: (record) => {
      const text = (first: number, last: number) =>
        record.bytes.toString('latin1', record.at + first - 1, record.at + last);
      const msisdn = text(15, 29).slice(0, record.msisdnDigits);
      byHand.push({ ...common(record), key: text(3, 14), msisdn, code: record.callCode?.code, vat: text(99, 100) });
    },
  });
  for (const part of [bytes.subarray(0, 333_333), bytes.subarray(333_333)]) {
    layout.push(part);
    hand.push(part);
  }
  layout.end();
  assert.ok(ofLayout.length > 4_000);
  assert.deepEqual(ofLayout, byHand);
});

test('they are measured in turns over the same records', () => {
  const { records, least, median } = sideBySide(file, 1);
  assert.ok(records > 4_000);
  for (const each of [least, median]) assert.ok(Object.values(each).every((ns) => ns > 0));
});

function common(record: DecodedRecord | Sp16Record): object {
  const { kind, category, prefix, visited, startMs, usage, providerAmountE8, line, dialled, dialledHash } = record;
  const { date, second, offsetMinutes, ambiguous, shifted, usageS, usageOctets, usageCount } = record;
  const { correction, inBundle, hashHigh, hashLow } = record;
  return {
    ...{ kind, category, prefix, visited, startMs, usage, providerAmountE8, line, masked: dialled.masked, dialledHash },
    ...{ date, second, offsetMinutes, ambiguous, shifted, usageS, usageOctets, usageCount },
    ...{ correction, inBundle, hashHigh, hashLow },
  };
}
