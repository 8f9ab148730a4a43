import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { previewLines } from '../admin/example-preview.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal();
  writeFileSync(join(terminal.directory, 'layout.json'), '{"kinds":{}}');
});
afterEach(() => terminal.close());

const preview = ['preview', 'usage.csv', '--tariff', 'business', '--layout', 'layout.json'];

test('a preview shows rows, sums, reasons and faults, and its progress beside them', async () => {
  const { code, out, err } = await terminal.ask([...preview, '--version-of', '2026-07-01', '--time-zone', 'UTC']);
  assert.equal(code, 0);
  assert.match(out, /3161234\*\*\*\* +V +national-mobile +1,200 +3 +73,000 s +12\.3456 +20\.0000/);
  assert.match(out, /1,200 records under tariff business: 12\.3456 EUR; in the file 20\.0000 EUR/);
  assert.match(
    out,
    /note: allowances are not applied\n2 duplicates: .*\n3 of V have no price: no-rule\n1 faults:\n {2}byte 1,234: bad-value usage\n/,
  );
  assert.match(err, /usage\.csv: preview 1,000\/2,000 bytes\nusage\.csv: preview done/);
  assert.deepEqual(terminal.services.calls.at(-1)!.input, {
    file: join(terminal.directory, 'usage.csv'),
    tariff: 'business',
    version: '2026-07-01',
    layout: { kinds: {} },
    timeZone: 'UTC',
    numberMask: 4,
    numbers: false,
  });
});

test('JSON has everything in one object, CSV a line for each thing', async () => {
  const { out, err } = await terminal.ask([...preview, '--json']);
  const { rows, faults, amountE8 } = JSON.parse(out);
  assert.deepEqual([rows.length, faults.length, amountE8, err], [1, 1, '1234560000', '']);
  const csv = await terminal.ask([...preview, '--csv', '--numbers']);
  assert.deepEqual(csv.out.split('\r\n'), [
    'row,subscriber,word,kind,category,records,unrated,usage,net_eur,provider_eur,offset,reason',
    'usage,3161234****,V,voice,national-mobile,1200,3,73000,12.3456,20.0000,,',
    'unrated,,V,,,3,,,,,,no-rule',
    'fault,,,,,,,,,,1234,bad-value usage',
    'note,,,,,,,,,,,allowances are not applied',
    'total,,,,,1200,3,,12.3456,20.0000,,',
    '',
  ]);
});

test('what is asked for wrongly, fails in the middle or breaks off has a message and no success', async () => {
  const both = await terminal.ask([...preview, '--provider', 'X']);
  assert.deepEqual([both.code, /by --layout FILE, or a provider by --provider TYPE/.test(both.err)], [2, true]);
  assert.equal((await terminal.ask([...preview, '--csv', '--json'])).code, 2);
  const zone = await terminal.ask([...preview, '--time-zone', 'Amsterdam']);
  assert.deepEqual([zone.code, /must be a time zone such as/.test(zone.err)], [1, true]);
  const answer = (lines: readonly unknown[]) => {
    const body = Readable.from(lines.map((line) => `${JSON.stringify(line)}\n`));
    terminal.services.preview = async () => ({ contentType: 'application/x-ndjson', body });
  };
  answer([previewLines[0], { error: { code: 'invalid-input', message: 'the file is no CSV' } }]);
  const failed = await terminal.ask(preview);
  assert.deepEqual([failed.code, /the file is no CSV/.test(failed.err)], [1, true]);
  answer(previewLines.slice(0, 3));
  const cut = await terminal.ask(preview);
  assert.deepEqual([cut.code, cut.out, /broke off/.test(cut.err)], [69, '', true]);
});
