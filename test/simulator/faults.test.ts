/** Each fault of the plan does to the files what it says, and the truth says what must become of them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type FaultCode, parseFaultPlan } from '../../simulator/fault-plan.ts';
import type { AccountFiles } from '../../simulator/faults.ts';
import { type TruthForm, truthOf, type World } from '../../simulator/world.ts';
import { accountsWithFiles, months, smallWorld } from './small-world.ts';
import { at, readSp16, signedAmount } from './sp16-reader.ts';

const records = 3300;

interface Faulty {
  world: World;
  list: ReturnType<typeof accountsWithFiles>;
  files: AccountFiles;
  truth: TruthForm;
  bytes(path: string): Buffer;
}

const made = new Map<string, Faulty>();

/** One customer whose April file has the fault. */
function faulty(fault: FaultCode | null, variant = ''): Faulty {
  const known = made.get(`${fault} ${variant}`);
  if (known !== undefined) return known;
  const faults = fault === null ? [] : [{ customer: 'C001', month: '2026-04', fault, variant }];
  const world = smallWorld(records, faults, 1);
  const list = accountsWithFiles(world);
  const files = list[0]!.files;
  const bytes = (path: string) => Buffer.from(files.written.find((file) => file.path === path)?.bytes ?? '');
  const result = { world, list, files, bytes, truth: truthOf(world, list, (of) => of.lines) };
  made.set(`${fault} ${variant}`, result);
  return result;
}

const good = faulty(null);
const drop = 'drops/0000000101';
const april = 'SP16X_0000000101_202604_000002.dat.gz';
const october = 'SP16X_0000000101_202610_000003.dat.gz';
const sha256 = (gz: Buffer) => createHash('sha256').update(gz).digest('hex');
const withoutRemarks = (truth: typeof good.truth) =>
  truth.cycles.map(({ refused: _r, blocked: _b, quarantined: _q, ...cycle }) => cycle);

test('without a plan nothing is remarked and nothing lies beside the drops', () => {
  assert.ok(good.truth.cycles.every((cycle) => !('refused' in cycle || 'blocked' in cycle || 'quarantined' in cycle)));
  assert.ok(good.files.written.every(({ path }) => path.startsWith('drops/')));
});

for (const [fault, variant] of [
  ['F04', 'truncated'],
  ['F04', 'no-marker'],
  ['F04', 'wrong-sha'],
  ['F05', 'count'],
  ['F05', 'sum'],
  ['F05', 'crc'],
  ['F20', ''],
] as const) {
  test(`${fault} ${variant} leaves the truth and marks its cycles as refused, the later file as blocked`, () => {
    const { truth } = faulty(fault, variant);
    assert.deepEqual(withoutRemarks(truth), withoutRemarks(good.truth));
    const remarks = truth.cycles.map((cycle) => [
      cycle.customer,
      cycle.cycleStart,
      cycle.refused ?? [],
      cycle.blocked ?? [],
    ]);
    assert.deepEqual(remarks, [
      ['C001', '2026-03-01', [april], []], // late records of March are in the April file
      ['C001', '2026-04-01', [april], [october]],
      ['C001', '2026-10-01', [], [october]],
    ]);
  });
}

test('F04 cuts the file, leaves out the marker, or puts another sum into it', () => {
  const whole = good.bytes(`${drop}/${april}`);
  const cut = faulty('F04', 'truncated');
  assert.ok(cut.bytes(`${drop}/${april}`).equals(whole.subarray(0, Math.floor(whole.length * 0.6))));
  assert.throws(() => gunzipSync(cut.bytes(`${drop}/${april}`)));
  assert.ok(cut.bytes(`${drop}/${april}.ok`).equals(good.bytes(`${drop}/${april}.ok`)));
  assert.equal(faulty('F04', 'no-marker').bytes(`${drop}/${april}.ok`).length, 0);
  const marker = faulty('F04', 'wrong-sha').bytes(`${drop}/${april}.ok`).toString();
  assert.match(marker, new RegExp(`^[0-9a-f]{64} ${whole.length}\n$`));
  assert.ok(!marker.startsWith(sha256(whole)));
});

test('F05 and F20 spoil one field under a marker that agrees with the bytes', () => {
  const wrong = (fault: 'F05' | 'F20', variant: string) => {
    const { bytes } = faulty(fault, variant);
    const gz = bytes(`${drop}/${april}`);
    assert.equal(bytes(`${drop}/${april}.ok`).toString(), `${sha256(gz)} ${gz.length}\n`);
    const { header, lines, trailer, crc } = readSp16(gz);
    const sum = lines.reduce((all, line) => all + signedAmount(at(line, 87, 98)), 0);
    return {
      account: at(header, 3, 12) !== '0000000101',
      count: Number(at(trailer, 3, 10)) !== lines.length,
      sum: signedAmount(at(trailer, 11, 26)) !== sum,
      crc: at(trailer, 27, 34) !== crc,
    };
  };
  const right = { account: false, count: false, sum: false, crc: false };
  assert.deepEqual(wrong('F05', 'count'), { ...right, count: true });
  assert.deepEqual(wrong('F05', 'sum'), { ...right, sum: true });
  assert.deepEqual(wrong('F05', 'crc'), { ...right, crc: true });
  assert.deepEqual(wrong('F20', ''), { ...right, account: true });
});

test('F06 puts the same bytes under another name', () => {
  const { bytes, truth } = faulty('F06');
  const twin = bytes(`${drop}/SP16X_0000000101_202604_900002.dat.gz`);
  assert.ok(twin.length > 0 && twin.equals(bytes(`${drop}/${april}`)));
  assert.deepEqual(truth, good.truth);
});

test('F07 writes the same key with other contents beside the drops, and a truth for after it', () => {
  const { files, bytes, world, list, truth } = faulty('F07');
  assert.deepEqual(truth, good.truth);
  const before = readSp16(bytes(`${drop}/${april}`));
  const after = readSp16(bytes(`redeliver/0000000101/${april}`));
  assert.equal(at(after.header, 1, 69), at(before.header, 1, 69));
  const idsOf = (lines: string[]) => new Set(lines.map((line) => at(line, 3, 14)));
  assert.ok(idsOf(before.lines).difference(idsOf(after.lines)).size >= 5, 'some are gone');
  assert.ok(idsOf(after.lines).difference(idsOf(before.lines)).size >= 3, 'some are new');
  const old = new Map(before.lines.map((line) => [at(line, 3, 14), line]));
  assert.ok(after.lines.filter((line) => (old.get(at(line, 3, 14)) ?? line) !== line).length >= 10, 'some are changed');
  const later = truthOf(world, list, (of) => of.redelivered ?? of.lines);
  const changed = later.cycles.filter((cycle, index) => cycle.amountE8 !== truth.cycles[index]?.amountE8);
  // late records of March are in the April file and may be among the changed ones
  assert.ok(changed.some((cycle) => cycle.cycleStart === '2026-04-01'));
  assert.ok(changed.every((cycle) => cycle.cycleStart !== '2026-10-01'));
  assert.equal(files.redelivered?.length, months.length);
});

test('F08 leaves out a number, and the missing file, empty, lies ready to close the gap', () => {
  const { bytes, truth } = faulty('F08');
  const missing = readSp16(bytes('missing/0000000101/SP16X_0000000101_202604_000002.dat.gz'));
  assert.equal(missing.lines.length, 0);
  const next = readSp16(bytes(`${drop}/SP16X_0000000101_202604_000003.dat.gz`));
  assert.equal(at(next.header, 56, 69), `000002${missing.crc}`);
  assert.deepEqual(withoutRemarks(truth), withoutRemarks(good.truth));
  assert.equal(truth.cycles[1]?.blocked?.length, 2);
});

test('F11 makes five more records unrated and changes nothing else of the counts', () => {
  const { truth } = faulty('F11');
  assert.equal(truth.cycles[1]?.unrated, (good.truth.cycles[1]?.unrated ?? 0n) + 5n);
  assert.equal(truth.cycles[1]?.records, good.truth.cycles[1]?.records);
});

for (const [variant, from, text] of [
  ['garbage', 69, '00A0x012'],
  ['negative', 69, '-0000012'],
  ['future', 54, '20990101120000'],
  ['27h', 69, '00097205'],
] as const) {
  test(`F12 ${variant} adds one impossible line, named in the truth, with a trailer that counts it`, () => {
    const { bytes, truth } = faulty('F12', variant);
    const { lines, trailer } = readSp16(bytes(`${drop}/${april}`));
    const line = truth.cycles[1]?.quarantined?.[0]?.line ?? 0;
    assert.equal(at(lines[line - 2] ?? '', from, from + text.length - 1), text);
    assert.equal(Number(at(trailer, 3, 10)), lines.length);
    assert.equal(
      signedAmount(at(trailer, 11, 26)),
      lines.reduce((all, one) => all + signedAmount(at(one, 87, 98)), 0),
    );
    assert.deepEqual(withoutRemarks(truth), withoutRemarks(good.truth));
  });
}

test("a fault of one customer leaves the files of the other alone, a fault of nobody is everybody's", () => {
  const second = (customer: string | null) => {
    const faults = [{ customer, month: '2026-03', fault: 'F20' as const, variant: '' }];
    return accountsWithFiles(smallWorld(600, customer === 'nobody' ? [] : faults))[1]!.files.written;
  };
  assert.deepEqual(second('C001'), second('nobody'));
  assert.notDeepEqual(second(null), second('nobody'));
});

test('a plan that cannot be meant is refused by entry, key and value', () => {
  const refused = (plan: unknown, message: RegExp) =>
    assert.throws(() => parseFaultPlan(JSON.stringify(plan), months, 2), message);
  refused({}, /no JSON list/);
  refused([{ month: '2026-03', fault: 'F99' }], /entry 1: "fault" is "F99", not one of F04, F05/);
  refused([{ month: '2026-05', fault: 'F05' }], /"month" is "2026-05", not one of the simulated 2026-03/);
  refused([{ month: '2026-03', fault: 'F05', arg: 'colour' }], /"arg" of F05 is "colour", not one of crc, count, sum/);
  refused([{ month: '2026-03', fault: 'F05', nth: 3 }], /unknown key "nth"/);
  refused([{ customer: 'C003', month: '2026-03', fault: 'F05' }], /"customer" is "C003"/);
  refused(
    [
      { month: '2026-03', fault: 'F05' },
      { customer: 'C001', month: '2026-03', fault: 'F04' },
    ],
    /entry 2: 2026-03 already has F05/,
  );
  assert.deepEqual(parseFaultPlan('[{"month":"2026-03","fault":"F04"}]', months, 2), [
    { customer: null, month: '2026-03', fault: 'F04', variant: 'truncated' },
  ]);
});
