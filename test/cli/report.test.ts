import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal();
});
afterEach(() => terminal.close());

const report = ['report', 'usage', '--customer', 'C001', '--cycle', '2026-03-01'];

test('a report goes to standard output, as CSV unless something else is asked for', async () => {
  assert.equal((await terminal.ask(report)).out, 'row;customer\r\n');
  assert.equal((await terminal.ask([...report, '--format', 'json'])).out, '[\n{"row":"usage"}\n]\n');
  assert.equal((await terminal.ask([...report, '--json'])).out, '[\n{"row":"usage"}\n]\n');
  await terminal.ask([...report, '--by', 'cost-centre', '--numbers']);
  assert.deepEqual(terminal.services.calls.at(-1)!.input, {
    customer: 'C001',
    cycle: '2026-03-01',
    by: 'cost-centre',
    format: 'csv',
    numbers: true,
  });
});

test('what is asked for wrongly is answered before anything is written', async () => {
  const by = await terminal.ask([...report, '--by', 'centre', '--out', 'x.csv']);
  assert.equal(by.code, 1);
  assert.match(by.err, /by "centre": must be one of line, subscription, cost-centre, category/);
  const unknown = await terminal.ask(['report', 'usage', '--customer', 'C009', '--cycle', '2026-03-01']);
  assert.deepEqual([unknown.code, unknown.out], [1, '']);
  assert.deepEqual(
    readdirSync(terminal.directory).filter((name) => name.startsWith('x.csv')),
    [],
  );
});

test('a file is there whole, and a report that breaks off leaves the one before it as it was', async () => {
  const path = join(terminal.directory, 'usage.csv');
  writeFileSync(path, 'before');
  const broken = new Readable({ read() {} });
  broken.push('row;customer\r\n');
  const { usageReport } = terminal.services;
  terminal.services.usageReport = async () => {
    setImmediate(() => broken.destroy(new Error('the database went away')));
    return { contentType: 'text/csv', body: broken };
  };
  const { code, err } = await terminal.ask([...report, '--out', 'usage.csv']);
  assert.equal(code, 69);
  assert.match(err, /broke off/);
  assert.equal(readFileSync(path, 'utf8'), 'before');
  terminal.services.usageReport = usageReport;
  assert.equal((await terminal.ask([...report, '--out', 'usage.csv'])).out, 'usage.csv: 14 bytes of csv\n');
  assert.equal(readFileSync(path, 'utf8'), 'row;customer\r\n');
  assert.deepEqual(
    readdirSync(terminal.directory).filter((name) => name.includes('.part')),
    [],
  );
  const nowhere = await terminal.ask([...report, '--out', 'no/such/place.csv']);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.err, /place\.csv cannot be written \(ENOENT\)/);
});
