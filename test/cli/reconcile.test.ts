import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal();
});
afterEach(() => terminal.close());

const ask = (command: string) => terminal.ask(command.split(' '));
const lastInput = () => terminal.services.calls.at(-1)!.input;

test('an invoice is loaded as JSON or CSV by the name of its file, by whom and over what is recorded', async () => {
  writeFileSync(join(terminal.directory, 'i.json'), '{"number":"2026-0017"}');
  writeFileSync(join(terminal.directory, 'i.CSV'), 'row;number\r\nline;Café');
  assert.equal(
    (await ask('invoice load i.json')).out,
    'i.json: invoice 2026-0017 of C001 account 0000000101, cycle 2026-03-01: 1 lines, 12.35 EUR net\n',
  );
  const { by, ...input } = lastInput() as { by: string };
  assert.match(by, /@cli$/);
  assert.deepEqual(input, { document: { number: '2026-0017' }, csv: false, replace: false, force: false });
  await ask('invoice load i.CSV --replace --force');
  assert.deepEqual(lastInput(), { document: 'row;number\r\nline;Café', csv: true, replace: true, force: true, by });
  assert.deepEqual(
    terminal.services.audit.map(({ action, subject }) => `${action} ${subject}`),
    ['invoice.load invoice 2026-0017', 'invoice.load invoice (of a CSV)'],
  );
});

test('a CSV or a document in another encoding is refused before it is sent', async () => {
  writeFileSync(join(terminal.directory, 'i.csv'), Buffer.from('row;Caf\xe9', 'latin1'));
  writeFileSync(join(terminal.directory, 'c.json'), Buffer.from('{"customers":[{"name":"Caf\xe9"}]}', 'latin1'));
  for (const [command, file] of Object.entries({ 'invoice load': 'i.csv', 'customer apply': 'c.json' })) {
    const { code, err } = await ask(`${command} ${file}`);
    assert.deepEqual(
      [code, err, terminal.services.calls.length],
      [1, `linekeeper: ${file} is not UTF-8; convert it: iconv -f windows-1252 -t utf-8 ${file}\n`, 0],
    );
  }
});

test('a list that is cut short by its limit says so, beside its JSON', async () => {
  const cut = await ask('invoice list --customer C001 --limit 1 --json');
  assert.equal(cut.err, 'linekeeper: these are the first 1, and there may be more; ask for more with --limit\n');
  assert.equal(JSON.parse(cut.out).length, 1);
  assert.equal((await ask('invoice list --customer C001 --json')).err, '');
});

test('invoices are listed and shown, with numbers masked unless they are asked for', async () => {
  assert.match(
    (await ask('invoice list --customer C001')).out,
    /2026-04-03 +2026-0017 +1 +invoice .* 12\.345678 +14\.935678 +differs\n/,
  );
  const shown = await ask('invoice show 2026-0017 --customer C001');
  assert.match(shown.out, /VAT 21: 2\.59 of 12\.345678 at 21 %\n/);
  assert.match(
    shown.out,
    /1 +3161234\*\*\*\* +national-mobile +121 +3,660 +0\.1200 per 60 +12\.345678 +21 +Bellen 3161234\*\*\*\*\n$/,
  );
  assert.match(
    (await ask('invoice show 2026-0017 --customer C001 --numbers')).out,
    / 31612345678 .* Bellen 31612345678\n$/,
  );
  const found = await ask('reconcile show --customer C001 --cycle 2026-03-01 --json');
  assert.doesNotMatch(found.out, /31612345678/);
});

test('a reconciliation says its generation, that it is stale and why, and what each finding is about', async () => {
  const { out } = await ask('reconcile show --customer C001 --cycle 2026-03-01');
  assert.match(out, /differs; invoiced 12\.345678, own 12\.0000, difference 0\.345678 EUR net \(tolerance 0\.0150\)\n/);
  assert.match(out, /totals generation 2; made 2026-04-03 10:00:00 UTC by anna@cli\n/);
  assert.match(
    out,
    /\nSTALE: it was made from generation 2, and 3 is current; make it again: linekeeper reconcile run /,
  );
  assert.match(
    out,
    /71 +missing_cdr +3161234\*\*\*\* +national-mobile .* open +2026-0017:1; invoiced 121 records at 0\.2024 per minute; own 120 records/,
  );
  assert.match((await ask('reconcile show --customer C001')).out, /2026-03-01 .* 2 \(stale\) .* differs\n/);
});

test('a run wants a cycle or an invoice, and a decision a reason and a state that there is', async () => {
  assert.equal((await ask('reconcile run --customer C001')).code, 2);
  assert.equal((await ask('reconcile run --customer C001 --cycle 2026-03-01 --invoice 17')).code, 2);
  assert.equal((await ask('reconcile run --customer C001 --invoice 17')).code, 0);
  assert.equal((await ask('reconcile set 71 accepted')).code, 2);
  assert.match((await ask('reconcile set 71 payed --why x')).err, /must be open, accepted, disputed or resolved/);
  assert.equal((await ask('reconcile set 71 accepted --why agreed')).out, 'finding 71 was open and is accepted now\n');
});

test('the dispute file has numbers in full and is readable by its owner only; a stale one is warned of', async () => {
  writeFileSync(join(terminal.directory, 'd.csv'), 'an older one', { mode: 0o644 });
  const { out, err } = await terminal.ask([
    'reconcile',
    'dispute',
    '--customer',
    'C001',
    '--cycle',
    '2026-03-01',
    '--out',
    'd.csv',
    '--why',
    '=not ours',
  ]);
  assert.equal(out, 'd.csv: 1 disputed findings, 1 of them from now on\n');
  assert.match(err, /the reconciliation of account 0000000101 is stale/);
  const file = join(terminal.directory, 'd.csv');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const [head, row] = readFileSync(file, 'utf8').split('\r\n');
  assert.match(head!, /^customer,account,cycle,finding,of,class,subscription,/);
  assert.equal(
    row,
    "C001,0000000101,2026-03-01,71,net,missing_cdr,31612345678,national-mobile,12.0000,12.345678,0.345678,2026-0017 line 1,120,121,0.2000 per minute,0.2024 per minute,,2,'=not ours",
  );
});
