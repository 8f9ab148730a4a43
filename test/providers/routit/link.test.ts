/** Where the password goes, which months are asked for, and how amounts are written: the small rules around a delivery. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decimalMarkOf } from '../../../src/providers/routit/decimal-mark.ts';
import { chargesLink } from '../../../src/providers/routit/link.ts';
import { periodsToAsk } from '../../../src/providers/routit/periods.ts';
import { comparePurchase } from '../../../src/providers/routit/purchase-check.ts';
import { verdictOn } from '../../../src/providers/routit/totals.ts';
import { ratedSpoolColumns, ratingSpoolColumns } from '../../../src/telecom/cdr-columns.ts';

const of = { base: 'https://api.example.nl/v1', reseller: '0000000900', period: '2026-10', customerNo: '5001' };
const name = 'charges_0000000900_202610_5001.csv.gz';

test("a link is followed to the profile's own server and the customer's own file only", () => {
  const good = chargesLink(`https://api.example.nl/files/2026/${name}`, of);
  assert.deepEqual(
    [typeof good === 'object' && good.name, typeof good === 'object' && good.url.pathname],
    [name, `/files/2026/${name}`],
  );
  for (const astray of [
    `https://elsewhere.nl/${name}`,
    `http://api.example.nl/${name}`,
    `https://api.example.nl:8443/${name}`,
    `https://api.example.nl@elsewhere.nl/${name}`,
    `https://user@api.example.nl/${name}`,
    `//api.example.nl/${name}`,
    'not a link',
    `https://api.example.nl/../../etc/${name}`,
    `https://api.example.nl/a/..%2f/${name}`,
    `https://api.example.nl/files/${name}?redirect=1`,
    `https://api.example.nl/files/charges_0000000900_202610_5002.csv.gz`,
    `https://api.example.nl/files/x${name}`,
  ]) {
    assert.match(String(chargesLink(astray, of)), /it was not followed/, astray);
  }
});

test('every month from the first to the present is asked for, and none again that can bring nothing any more', () => {
  const plan = { since: '2026-08-20', today: '2026-11-09', lateDays: 10, asked: [], force: false };
  assert.deepEqual(periodsToAsk(plan), ['2026-08', '2026-09', '2026-10', '2026-11']);
  assert.deepEqual(periodsToAsk({ ...plan, since: null }), ['2026-08', '2026-09', '2026-10', '2026-11']);
  const asked = [
    { period: '2026-08', askedOn: '2026-09-11' },
    { period: '2026-09', askedOn: '2026-10-12' },
    { period: '2026-10', askedOn: '2026-11-09' },
  ];
  assert.deepEqual(periodsToAsk({ ...plan, asked }), ['2026-08', '2026-10', '2026-11']);
  assert.deepEqual(periodsToAsk({ ...plan, asked, force: true }), ['2026-08', '2026-09', '2026-10', '2026-11']);
  assert.deepEqual(periodsToAsk({ ...plan, since: '2026-12-01' }), []);
});

const scratch = mkdtempSync(join(tmpdir(), 'mark-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

test('the first record tells point from comma, in whatever column it stands and whatever is quoted before it', async () => {
  const markOf = (text: string | Buffer) => {
    const path = join(scratch, 'file');
    writeFileSync(path, typeof text === 'string' ? gzipSync(text) : text);
    return decimalMarkOf(path);
  };
  assert.equal(await markOf('\uFEFFA;Purchase\r\n"x;\r\n""y""";1.234,5678\r\n'), 'comma');
  assert.equal(await markOf('Purchase;A\n-0,1250;x\n'), 'comma');
  assert.equal(await markOf('Purchase;A\n0.1250;x\n'), 'point');
  assert.equal(await markOf('Purchase;A\n'), 'point');
  assert.equal(await markOf(Buffer.from('no gzip')), 'point');
  assert.equal(await markOf(gzipSync('Purchase;A\n0,1250;x\n'.repeat(999)).subarray(0, 60)), 'comma');
});

test('a month agrees when all of it is somewhere, to the last digit, and says what is missing before it says that it differs', () => {
  const month = { period: '2026-10', netE8: '100', importedE8: '70', suspenseE8: '25', quarantinedE8: '5', missing: 0 };
  assert.deepEqual(verdictOn(month), { state: 'agrees', reason: null });
  assert.equal(verdictOn({ ...month, importedE8: '71' }).state, 'differs');
  assert.match(verdictOn({ ...month, importedE8: '69' }).reason!, /add up to 99, the overview says 100/);
  assert.deepEqual(verdictOn({ ...month, importedE8: '0', missing: 2 }), {
    state: 'incomplete',
    reason: '2 customers are missing',
  });
});

test('a record that was bought at another price is counted, one without a price apart, and files of other records are refused', async () => {
  const write = (records: string[], rated: string[]) => {
    writeFileSync(join(scratch, 'records-2026-10-01.copy'), records.map((line) => `${line}\n`).join(''));
    writeFileSync(join(scratch, 'rated.copy'), rated.map((line) => `${line}\n`).join(''));
    return comparePurchase(scratch, { cycleStart: '2026-10-01', ratedPath: join(scratch, 'rated.copy') });
  };
  const record = (id: string, asked: string) =>
    ratingSpoolColumns.map((column) => ({ id, provider_amount_e8: asked })[column as string] ?? '\\N').join('\t');
  const rated = (id: string, amount: string, status = 'rated') =>
    ratedSpoolColumns
      .map((column) => ({ cdr_id: id, amount_e8: amount, status })[column as string] ?? '\\N')
      .join('\t');
  const records = [record('1', '10'), record('2', '20'), record('3', '30')];
  assert.deepEqual(await write(records, [rated('1', '10'), rated('2', '21'), rated('3', '0', 'unrated')]), {
    cycleStart: '2026-10-01',
    records: 3,
    unpriced: 1,
    differing: 1,
    statedE8: 30n,
    ownE8: 31n,
  });
  await assert.rejects(write(records, [rated('2', '20')]), /rated record 2 stands beside record 1/);
});
