import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal();
});
afterEach(() => terminal.close());

const tariff = {
  tariff: 'kpn-zakelijk',
  provider: 'KPN',
  currency: 'EUR',
  timeZone: 'Europe/Amsterdam',
  versions: [
    {
      validFrom: '2026-01-01T00:00:00',
      validTo: null,
      rules: [
        {
          id: 'nl-mobile',
          kind: 'voice',
          match: { prefixes: ['316'] },
          connectFee: '0.05',
          steps: [{ from: 0, price: '0.12', per: 60, first: 30, next: 6 }],
        },
      ],
    },
  ],
};
const call = { id: 'a', kind: 'voice', to: '31612345678', start: '2026-03-02T12:00:00', usage: 100 };

function files(records: unknown): readonly string[] {
  writeFileSync(join(terminal.directory, 'T.json'), JSON.stringify(tariff));
  writeFileSync(join(terminal.directory, 'R.json'), JSON.stringify({ records }));
  return ['rate', '--tariff', 'T.json', '--records', 'R.json'];
}

test('prints pieces, billed usage and amount of each record as JSON, without a service', async () => {
  await terminal.stopService();
  const { code, out } = await terminal.run(files([call]));
  assert.equal(code, 0);
  const [outcome] = JSON.parse(out);
  // 30 s, then 70 s in steps of 6 s: 102 s; 0.05 + 102 x 0.12 / 60
  assert.deepEqual([outcome.id, outcome.billedUsage, outcome.amount, outcome.pieces.length], ['a', 102, '0.2540', 1]);
  assert.ok(!out.includes('31612345678'));
});

test('a record that is wrong is named with its file, field and value, and nothing is rated: exit 1', async () => {
  const { code, out, err } = await terminal.run(files([call, { ...call, id: 'b', usage: -1 }]));
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /R\.json .*\n.*records\[1\]\.usage.*-1/);
});

test('a number mask out of bounds is a wrong command line', async () => {
  assert.equal((await terminal.run([...files([call]), '--number-mask', '9'])).code, 2);
});
