/**
 * Files as providers should not send them, on the real service (domain.md 5.7): a clear reason is stored, an alert is open,
 * nothing of the file is imported, everything else is; and when the good file comes, all goes on by itself, to the truth.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { readTruth } from '../../src/cli/demo/truth.ts';
import { maskText } from '../../src/log/mask.ts';
import { findFaults } from '../../src/services/findings.ts';
import { until } from '../support/service.ts';
import { accountOf, type FaultyWorld, openFaultyWorld, type PlannedFault } from './faulty-world.ts';

const months = ['2026-03', '2026-04', '2026-05', '2026-10'];
const cycles = months.map((month) => `${month}-01`);
/** May is the month of the faults: of March it can hold nothing, of April a late record. */
const may = '2026-05';
const march = ['2026-03-01'];

const tooMany =
  'too-many-line-errors: FILE: 1 bad lines of N (at most 0.1 % and fewer than 50 may be quarantined); first: FILE, line N,';
/** Refused at import: the stored reason names line, field with its positions, and value. */
const refused: Record<string, { fault: string; arg?: string; reason: string }> = {
  C004: {
    fault: 'F05',
    arg: 'count',
    reason: 'trailer-count: FILE, line N, records (3-10): "N" but the file holds N records',
  },
  C005: {
    fault: 'F05',
    arg: 'sum',
    reason: 'trailer-sum: FILE, line N, sum (11-26): "N" but the amounts add up to N (0.0001 EUR)',
  },
  C006: {
    fault: 'F05',
    arg: 'crc',
    reason: 'trailer-crc: FILE, line N, crc (27-34): "HEX" but the bytes before it have HEX',
  },
  C011: {
    fault: 'F12',
    arg: 'garbage',
    reason: `${tooMany} usage (69-76): "00A0x012" is not 8 digits`,
  },
  C012: {
    fault: 'F12',
    arg: 'negative',
    reason: `${tooMany} usage (69-76): "-0000012" is not 8 digits`,
  },
  C013: {
    fault: 'F12',
    arg: 'future',
    reason:
      'too-many-line-errors: FILE: 1 bad lines of N (at most 0.1 % and fewer than 50 may be quarantined); first: FILE, line N, start (54-67): "20990101120000" is in the future',
  },
  C014: {
    fault: 'F20',
    reason: 'wrong-account: FILE, line 1, account (3-12): "000009****" is not the account 0000000114',
  },
};
/** Not ready: seen again at every poll, alerted at the third. */
const notReady: Record<string, { arg: string; reason: RegExp }> = {
  C001: { arg: 'truncated', reason: /its \d+ bytes are not the \d+ bytes with the sha256 of its marker$/ },
  C002: { arg: 'no-marker', reason: /its marker SP16X_0000000102_202605_000003\.dat\.gz\.ok is missing$/ },
  C003: { arg: 'wrong-sha', reason: /its \d+ bytes are not the \d+ bytes with the sha256 of its marker$/ },
};
const plan: PlannedFault[] = [
  ...Object.entries(refused).map(([customer, { reason: _reason, ...fault }]) => ({ customer, month: may, ...fault })),
  ...Object.entries(notReady).map(([customer, { arg }]) => ({ customer, month: may, fault: 'F04', arg })),
  { customer: 'C007', month: may, fault: 'F06' },
  { customer: 'C008', month: may, fault: 'F07' },
  { customer: 'C009', month: may, fault: 'F08' },
  { customer: 'C010', month: may, fault: 'F11' },
];
/** A gz that its own sender cut off, so that its marker fits; a file of C001 in the drop; a copy that came before its original. */
const cutOff = 'C015';
const foreign = 'C016';
const misnamed = 'C017';
const all = Array.from({ length: 17 }, (_, index) => `C${String(index + 1).padStart(3, '0')}`);
const mended = [...Object.keys(refused), ...Object.keys(notReady), 'C009', cutOff, misnamed];

let world: FaultyWorld;

before(async () => {
  world = await openFaultyWorld({ customers: all.length, months, recordsPerFile: 260, plan });
  cutOffWithMarker(join(world.drop(cutOff), fileOf(cutOff)));
  world.deliver(foreign, world.good('C001', may));
  for (const suffix of ['', '.ok']) {
    const original = join(world.drop(misnamed), `${fileOf(misnamed)}${suffix}`);
    renameSync(original, original.replace('_000003.', '_900003.'));
  }
  await world.sync(all);
});
after(() => world?.close());

for (const [customer, { fault, arg = 'account', reason }] of Object.entries(refused)) {
  test(`${fault} ${arg}: the file is quarantined whole with its reason, what follows waits, the rest is imported`, async () => {
    const [, , file] = await expectStates(customer, ['imported', 'imported', 'quarantined', 'received']);
    assert.equal(pattern(file!.reason!), reason);
    assert.equal(file!.rows, 0);
    assert.deepEqual(await quarantineOf(file!.id), [
      { line: true, state: 'open', message: file!.reason!.replace(/^[\w-]+: /, '') },
    ]);
    assert.deepEqual(await world.differences(customer, march), []);
    const [alert] = await expectOpen(customer, ['file.quarantined']);
    // the alerts' own mask takes 14 digits for a number, as which a start is shown there
    assert.ok(alert!.message.endsWith(maskText(file!.reason!.replace(/^[\w-]+: /, ''))), alert!.message);
  });
}

test('F05 a gz that its sender cut off is quarantined whole, although its marker fits', async () => {
  const [, , file] = await expectStates(cutOff, ['imported', 'imported', 'quarantined', 'received']);
  assert.equal(pattern(file!.reason!), 'truncated-gzip: FILE: is gzip that ends too early');
  assert.equal(file!.rows, 0);
  await expectOpen(cutOff, ['file.quarantined']);
});

test('F20 a file named for another account is refused before it is downloaded, and holds nobody up', async () => {
  const files = await world.files(foreign);
  const [own, other] = [
    files.filter((file) => file.name.includes(accountOf(foreign))),
    files.filter((file) => file.name.includes(accountOf('C001'))),
  ];
  assert.deepEqual(
    own.map((file) => file.state),
    ['imported', 'imported', 'imported', 'imported'],
  );
  assert.deepEqual(
    other.map((file) => [file.state, file.rows]),
    [['quarantined', 0]],
  );
  assert.match(
    other[0]!.reason!,
    /^wrong-account: .* is of account .*, the contract's is 0000000116; it was not downloaded$/,
  );
  await expectOpen(foreign, ['file.quarantined']);
  assert.deepEqual(await world.differences(foreign, cycles), []);
});

test('F08 a missing number holds back what follows and nothing else', async () => {
  await expectStates('C009', ['imported', 'imported', 'received', 'received']);
  const [alert] = await expectOpen('C009', ['file.sequence-gap']);
  assert.equal(alert!.message, 'file number 3 of account 0000000109 is missing; 2 later files wait for it');
  assert.deepEqual(await world.differences('C009', march), []);
});

test('F06 the same bytes under another name are a duplicate: no work, no alert, the same totals', async () => {
  const files = await expectStates('C007', ['imported', 'imported', 'imported', 'imported', 'duplicate']);
  assert.match(files[4]!.name, /_900003\./);
  assert.deepEqual([files[4]!.reason, files[4]!.rows], ['the same bytes are already here', 0]);
  await expectOpen('C007', []);
  assert.deepEqual(await world.differences('C007', cycles), []);
});

test("F06 a copy that comes before its original is refused by its header and takes nobody's place", async () => {
  const files = await expectStates(misnamed, ['imported', 'imported', 'received', 'quarantined']);
  assert.equal(
    files[3]!.reason!.replaceAll(files[3]!.name, 'FILE'),
    'name-mismatch: FILE, line 1, seq (13-18): "000003" is not the 900003 of the file\'s name',
  );
  const [, gap] = await expectOpen(misnamed, ['file.quarantined', 'file.sequence-gap']);
  assert.match(gap!.message, /^file number 3 of account 0000000117 is missing/);
});

test('F11 records with an unknown call code are imported as unrated with the reason, never rated with 0', async () => {
  await expectStates('C010', ['imported', 'imported', 'imported', 'imported']);
  assert.deepEqual(await world.differences('C010', cycles), []);
  const rows = await world.database.query(
    `select c.call_code as code, c.category, r.status, r.reason, r.amount_e8::int as amount, count(*)::int as records
     from cdr c join contract k on k.id = c.contract_id
     join rated_cdr r on r.contract_id = c.contract_id and r.cycle_start = c.cycle_start and r.cdr_id = c.id
     where k.account_no = $1 and c.call_code = '9998' and c.state = 'active' group by 1, 2, 3, 4, 5`,
    [accountOf('C010')],
  );
  const row = {
    code: '9998',
    category: 'unknown',
    status: 'unrated',
    reason: 'unknown-call-code',
    amount: 0,
    records: 5,
  };
  assert.deepEqual(rows, [row]);
  const [alert] = await world.database.query<{ state: string; message: string }>(
    `select state, message from alert where rule = 'file.unknown-call-code' and subject = $1`,
    [`C010/${accountOf('C010')} code 9998`],
  );
  assert.equal(alert!.state, 'open');
  assert.match(alert!.message, /unknown call code 9998; its records are imported as unrated$/);
});

test('F04 a file that is not whole is seen again at every poll and alerted at the third', async () => {
  for (const poll of [1, 2, 3]) {
    if (poll > 1) await world.sync(Object.keys(notReady));
    for (const [customer, { reason }] of Object.entries(notReady)) {
      await expectStates(customer, ['imported', 'imported', 'received']);
      const rules = poll < 3 ? ['file.sequence-gap'] : ['file.not-ready', 'file.sequence-gap'];
      const [alert] = await expectOpen(customer, rules);
      if (poll < 3) continue;
      assert.match(alert!.message, reason);
      assert.ok(
        alert!.message.startsWith(`${fileOf(customer)} was seen 3 times and is not complete: `),
        alert!.message,
      );
      assert.deepEqual(await world.differences(customer, march), []);
    }
  }
});

test('a refused file is not tried again while it stays as it is, and what waits for it is told', async () => {
  const customers = [...Object.keys(refused), cutOff];
  await world.sync(customers);
  for (const customer of customers) {
    await expectStates(customer, ['imported', 'imported', 'quarantined', 'received']);
    const [, gap] = await expectOpen(customer, ['file.quarantined', 'file.sequence-gap']);
    assert.match(gap!.message, /^file number 3 of account \d{10} is missing; 1 later files wait for it$/);
  }
});

test('F07 a re-delivery with changed content gives new totals and keeps the old ones as backup', async () => {
  const may1 = `${may}-01`;
  const changed = join(world.directory, 'redeliver');
  assert.deepEqual(await world.differences('C008', cycles), []);
  const before = await generations('C008', may1);
  world.deliver('C008', join(changed, accountOf('C008'), fileOf('C008')));
  await world.sync(['C008']);
  await expectStates('C008', ['imported', 'imported', 'superseded', 'imported', 'imported']);
  assert.deepEqual(await world.differences('C008', cycles, join(changed, 'truth.json')), []);
  assert.notDeepEqual(await world.differences('C008', [may1]), [], 'the truth has changed');
  const now = await generations('C008', may1);
  assert.deepEqual(
    now.map(({ generation, state }) => `${generation} ${state}`),
    ['1 backup', '2 current'],
  );
  assert.deepEqual({ ...now[0], state: 'current' }, before[0], 'the backup is what was published, row by row');
  assert.notEqual(now[1]!.digest, now[0]!.digest);
  assert.deepEqual(
    (await generations('C008', '2026-03-01')).map(({ state }) => state),
    ['current'],
  );
  await expectOpen('C008', []);
});

test('when the good files come all goes on by itself: totals are the truth and the alerts are resolved', async () => {
  const missing = fileOf('C009');
  world.deliver('C009', join(world.directory, 'missing', accountOf('C009'), missing));
  for (const customer of mended.filter((one) => one !== 'C009')) world.deliver(customer, world.good(customer, may));
  await world.sync(mended);
  for (const customer of mended) {
    const files = await world.files(customer);
    const imported = files.filter((file) => file.state === 'imported').map((file) => /_(\d{6})\./.exec(file.name)![1]);
    const numbers = ['000001', '000002', '000003', '000004'];
    assert.deepEqual(imported, customer === 'C009' ? [...numbers, '000005'] : numbers, customer);
    assert.deepEqual(await world.differences(customer, cycles), [], customer);
    for (const { id } of files)
      assert.ok(
        (await quarantineOf(id)).every(({ state }) => state === 'resolved'),
        customer,
      );
    await expectOpen(customer, []);
  }
});

test('a line that cannot be true goes to quarantine alone while such lines are few', async () => {
  const few = await openFaultyWorld({
    customers: 1,
    months: ['2026-03', '2026-04'],
    recordsPerFile: 1_100,
    plan: [{ customer: 'C001', month: '2026-04', fault: 'F12', arg: 'negative' }],
  });
  try {
    await few.sync(['C001']);
    const files = await few.files('C001');
    assert.deepEqual(
      files.map((file) => file.state),
      ['imported', 'imported'],
    );
    const lines = await few.database.query<{ line: number; code: string; field: string; message: string; raw: string }>(
      'select line_no as line, code, field, message, raw_masked as raw from quarantine where raw_file_id = $1',
      [files[1]!.id],
    );
    const [truth] = readTruth(join(few.directory, 'truth.json')).slice(-1) as unknown as [
      { quarantined: { line: number }[] },
    ];
    assert.deepEqual(
      lines.map(({ line, code, field }) => ({ line, code, field })),
      [{ line: truth.quarantined[0]!.line, code: 'bad-digits', field: 'usage' }],
    );
    const name = basename(few.good('C001', '2026-04'));
    assert.equal(lines[0]!.message, `${name}, line ${lines[0]!.line}, usage (69-76): "-0000012" is not 8 digits`);
    assert.match(lines[0]!.raw, /^10B\w{11}316\d\*{7} .*-0000012/);
    const rows = await few.database.query('select 1 from cdr where raw_file_id = $1 and line_no = $2', [
      files[1]!.id,
      lines[0]!.line,
    ]);
    assert.deepEqual(rows, []);
    assert.deepEqual(await few.differences('C001', ['2026-03-01', '2026-04-01']), []);
    await until('the alert', async () => {
      const alerts = await few.alerts('C001');
      return alerts.some(({ rule, state }) => rule === 'file.lines-quarantined' && state === 'open');
    });
  } finally {
    await few.close();
  }
});

test('what remains is in order: every chain ended, no finding of the audit, no full number in any stored reason', async () => {
  assert.deepEqual(await findFaults(world.database), []);
  const texts = await world.database.query<{ text: string }>(
    `select reason as text from raw_file where reason is not null union all select message from quarantine
     union all select coalesce(raw_masked, '') from quarantine union all select message || detail::text from alert`,
  );
  const numbers = await world.database.query<{ msisdn: string }>('select distinct msisdn from cdr');
  assert.ok(texts.length > 20 && numbers.length > 30);
  for (const { text } of texts) {
    for (const { msisdn } of numbers) assert.ok(!text.includes(msisdn.slice(2)), text);
  }
});

function fileOf(customer: string): string {
  return basename(world.good(customer, may));
}

function cutOffWithMarker(path: string): void {
  truncateSync(path, Math.floor(readFileSync(path).length / 2));
  const bytes = readFileSync(path);
  writeFileSync(`${path}.ok`, `${createHash('sha256').update(bytes).digest('hex')} ${bytes.length}\n`);
}

/** States of the customer's files by number and version; resolves to the rows. */
async function expectStates(customer: string, states: readonly string[]) {
  const files = await world.files(customer);
  assert.deepEqual(
    files.map((file) => file.state),
    states,
    JSON.stringify(files, null, 1),
  );
  return files;
}

/** Every customer has a call that no rule rates. */
const everywhere = new Set(['totals.unrated']);

/** Rules of the other open alerts of the customer, once they are stored. */
async function expectOpen(customer: string, rules: readonly string[]) {
  let open: Awaited<ReturnType<FaultyWorld['alerts']>> = [];
  const there = async () => {
    const alerts = await world.alerts(customer);
    open = alerts.filter((alert) => alert.state === 'open' && !everywhere.has(alert.rule));
    return open.map((alert) => alert.rule).join() === rules.join();
  };
  await until('alerts', there, 3_000).catch(() => {});
  assert.deepEqual(
    open.map((alert) => alert.rule),
    rules,
    JSON.stringify(open, null, 1),
  );
  return open;
}

async function quarantineOf(rawFileId: string) {
  return world.database.query<{ line: boolean; message: string; state: string }>(
    'select line_no is not null as line, message, state from quarantine where raw_file_id = $1',
    [rawFileId],
  );
}

/** The generations of a cycle with the sums of their rows. */
async function generations(customer: string, cycle: string) {
  return world.database.query<{ generation: number; state: string; digest: string; rows: number; amount: string }>(
    `select g.generation, g.state, encode(g.digest, 'hex') as digest, count(u.msisdn)::int as rows,
       md5(string_agg(u.msisdn || u.category || u.records || ' ' || u.amount_e8, ',' order by u.msisdn, u.category)) as amount
     from total_generation g join contract k on k.id = g.contract_id
     left join total_usage u using (contract_id, cycle_start, generation)
     where k.account_no = $1 and g.cycle_start = $2 group by g.contract_id, g.cycle_start, g.generation order by g.generation`,
    [accountOf(customer), cycle],
  );
}

/** A message with the file's name and its numbers replaced, to compare the rest of it word by word. */
function pattern(message: string): string {
  return message
    .replace(/SP16X_\d{10}_\d{6}_\d{6}\.dat\.gz/g, 'FILE')
    .replace(/(line |file holds |bad lines of |add up to |records \(3-10\): "|sum \(11-26\): ")-?(?!1,)\d+/g, '$1N')
    .replace(/\b[0-9a-f]{8}\b/g, 'HEX');
}
