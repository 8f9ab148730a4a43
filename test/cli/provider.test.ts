import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openTerminal } from './terminal.ts';

const terminal = await openTerminal();
after(() => terminal.close());

test('provider list has every provider of the product, also the one whose chain is code', async () => {
  const { out } = await terminal.run(['provider', 'list', '--json']);
  const { providers, notInThisRelease } = JSON.parse(out);
  const names = providers.map(({ syncType }: { syncType: string }) => syncType);
  assert.deepEqual(names, ['KPN_SP16', 'T_MOBILE', 'ROUTIT']);
  assert.ok(!notInThisRelease.includes('ROUTIT'));
  const page = readFileSync(join(import.meta.dirname, '../../docs/routit.md'), 'utf8');
  const section = /## The six commands\n([\s\S]*?)\n\n-/.exec(page)![1]!;
  const commands = [...section.matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);
  const routit = { syncType: 'ROUTIT', chain: 'routit', commands, transports: ['rest'], file: null };
  assert.deepEqual(providers.at(-1), routit);
});

test('every command has its place in --help', async () => {
  const { out } = await terminal.run(['--help']);
  assert.match(out, /^The service:\n {2}start /m);
  assert.match(out, /^What comes of it:\n {2}totals /m);
  assert.doesNotMatch(out, /^Others:/m);
});
