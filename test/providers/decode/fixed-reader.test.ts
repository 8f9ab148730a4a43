/** Code that is made from a layout reads what reading by fields reads: random records, of which half have a byte changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DialledNumbers } from '../../../src/providers/decode/dialled-numbers.ts';
import { FieldValues } from '../../../src/providers/decode/field-values.ts';
import { FilePass } from '../../../src/providers/decode/file-pass.ts';
import { fixedReader } from '../../../src/providers/decode/fixed-reader.ts';
import { compileLayout, openSlots } from '../../../src/providers/decode/layout.ts';
import { type DecodedRecord, emptyRecord } from '../../../src/providers/decode/record.ts';
import { StartReader } from '../../../src/providers/decode/start-reader.ts';
import { VisitedNetworks } from '../../../src/providers/decode/visited-networks.ts';
import { kpnSp16Layout } from '../../../src/providers/kpn-sp16/spec.ts';
import type { LayoutSpec } from '../../../src/providers/spec/layout-spec.ts';
import { type LineParts, line } from '../kpn-sp16/sp16-bytes.ts';

const options = {
  name: 'SP16X_0000000101_202603_000001.dat',
  account: '0000000101',
  timeZone: 'Europe/Amsterdam',
  numberMask: 4,
  hashKey: Buffer.from('key'),
  nowMs: Date.UTC(2026, 10, 20),
  contractFromMs: Date.UTC(2026, 1, 1),
};

/** SP16X without its first and last line, and with any number of wrong ones. */
const { header: _, trailer: __, ...files } = kpnSp16Layout.files;
const bare: LayoutSpec = {
  ...kpnSp16Layout,
  files: { ...files, lineErrors: { share: 1, below: 1_000_000 } },
  records: { ...kpnSp16Layout.records, plausible: [{ kind: 'voice', per: 60, atMostE8: 10_000_000, plusE8: 0 }] },
};

/** Other widths, no flags, no codes of four digits, messages counted, and a unit and a sign less. */
const small: LayoutSpec = {
  ...bare,
  files: { ...bare.files, framing: { kind: 'fixed', lineLength: 200, lineEnd: 'crlf' } },
  records: {
    ...bare.records,
    plausible: [],
    types: bare.records.types.map((type) => ({
      ...type,
      fields: type.fields
        .filter(({ to }) => !['dst', 'inBundle', 'correction', 'originalId', 'vat', 'visited'].includes(to))
        .map((field) => (field.to === 'code' ? { ...field, from: [78, 80] as [number, number] } : field))
        .map((field) =>
          field.to === 'amount' ? { to: 'amount', from: [88, 97], as: 'int', optional: false, unit: 100 } : field,
        ) as typeof type.fields,
    })),
  },
};

for (const [name, spec] of Object.entries({ bare, small })) {
  test(`records by made code are those by fields, and so are the wrong ones (${name})`, () => {
    const random = randomOf(name.length * 7919);
    const bytes = Buffer.from(Array.from({ length: 4_000 }, () => `${drawLine(random)}\r\n`).join(''), 'latin1');
    const byFields = decoded(spec, bytes, true);
    const generated = decoded(spec, bytes, false);
    const found = [byFields.records.length, byFields.file.quarantined.length] as const;
    assert.ok(found[0] > 500 && found[1] > 500, `${found}`);
    assert.deepEqual(generated.records, byFields.records);
    assert.deepEqual(generated.file, byFields.file);
    assert.deepEqual(generated.replaced, byFields.replaced);
  });
}

test('ordinary calls, messages and sessions are read by made code, and nothing unusual is', () => {
  const layout = compileLayout(kpnSp16Layout);
  const slots = { ...openSlots(layout), bytes: Buffer.alloc(202) };
  const parts = {
    record: emptyRecord(),
    codes: layout.codes,
    dialled: new DialledNumbers(4, null),
    visited: new VisitedNetworks(layout.homeNetworks),
    starts: new StartReader(slots, new FieldValues(slots), options),
    longestCallS: 1_000,
    inBundle: [true, false, null],
  };
  const [voice, sms, data, ...charges] = layout.types.map((type) => fixedReader(type, slots, parts));
  assert.deepEqual(charges, [null, null]);
  const reads = (reader: typeof voice, changed: LineParts) => {
    slots.bytes.write(line(changed), 'latin1');
    return reader!.read(0);
  };
  assert.equal(reads(voice, {}), true);
  assert.equal(reads(sms, { type: '20' }), true);
  assert.equal(reads(data, { type: '30' }), true);
  assert.equal(voice!.amount(0), 12_500_000);
  for (const unusual of [
    { correction: 'C' },
    { usage: '00001001' },
    { usage: '    1001' },
    { start: '20260229120000' },
    { start: '20260228240000' },
    { msisdn: '3161234' },
    { code: '3000' },
    { bundle: 'X' },
    { vat: 'é1' },
  ]) {
    assert.equal(reads(voice, unusual), false, JSON.stringify(unusual));
  }
});

function decoded(spec: LayoutSpec, bytes: Buffer, byFields: boolean) {
  const records: object[] = [];
  const sink = { begin() {}, end() {}, discard() {}, record: (record: DecodedRecord) => records.push(copyOf(record)) };
  const pass = new FilePass(
    compileLayout(spec),
    { ...options, byFields, expectedRecords: 16, replacedLines: new Set() },
    sink,
  );
  for (let at = 0; at < bytes.length; at += 70_001) pass.push(bytes.subarray(at, at + 70_001));
  return { records, ...pass.end() };
}

/** Everything that a sink can see. */
function copyOf(record: DecodedRecord): object {
  const { bytes, keyBytes, keyFrom, keyTo, originalFrom, originalTo, vatFrom, vatTo, msisdnFrom, msisdnDigits } =
    record;
  const text = (from: number, to: number, of = bytes) => of.toString('latin1', from, to);
  return {
    ...record,
    ...{ bytes: null, keyBytes: null, keyFrom: null, keyTo: null, originalFrom: null, originalTo: null },
    ...{ vatFrom: null, vatTo: null, msisdnFrom: null },
    key: text(keyFrom, keyTo, keyBytes),
    original: text(originalFrom, originalTo),
    vat: text(vatFrom, vatTo),
    msisdn: text(msisdnFrom, msisdnFrom + msisdnDigits),
  };
}

function drawLine(random: (below: number) => number): string {
  const pick = <T>(...from: readonly T[]): T => from[random(from.length)]!;
  const two = (value: number) => String(value).padStart(2, '0');
  const type = pick('10', '10', '10', '20', '30', '40', '50');
  const charge = type === '40' || type === '50';
  const day = `2026${two(1 + random(12))}${two(1 + random(29))}`;
  const text = line({
    type,
    id: String(random(3_000)),
    msisdn: pick('31612345678', '316123456789012', '31201234567', '3161234'),
    ...(type === '30' || charge ? {} : { dialled: pick('0612345678', '+4915112345678', '112', '', '0900123') }),
    start: charge ? `${day}${pick(day, '        ')}` : `${day}${two(random(25))}${two(random(60))}${two(random(60))}`,
    dst: pick(' ', ' ', 'S', 'W'),
    usage: String(pick(0, 60, 3_599, 9_999_999)),
    code: pick('1000', '1100', '3000', '6000', '7000', '9876'),
    visited: pick('', '', '20404', '310410', '26201'),
    amount: `${String(random(2_000)).padStart(11, '0')}${pick('+', '+', '-')}`,
    vat: pick('21', '09', '  '),
    bundle: pick('J', 'N', ' '),
    correction: pick(' ', ' ', ' ', ' ', 'C', 'D'),
    original: pick('', '000000000001'),
    ...(type === '30' ? { octets: String(random(2 ** 30)) } : {}),
  });
  if (random(2) === 0) return text;
  const at = random(170);
  return text.slice(0, at) + pick(...' 059+-JSWCDé\x01') + text.slice(at + 1);
}

function randomOf(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
