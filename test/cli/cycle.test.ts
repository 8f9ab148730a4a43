import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal();
});
afterEach(() => terminal.close());

const cycle = ['--customer', 'C001', '--cycle', '2026-03-01'];
const why = ['--reason', 'KPN sent the last file late'];

test('cycles are listed with their state, and what later cycles add to a closed one', async () => {
  const listed = await terminal.ask(['cycle', 'list', '--customer', 'C001']);
  assert.match(
    listed.out,
    /^CYCLE .*\n2026-03-01 +0000000101 +adjusted +2026-04-01 10:00:00 +2 +120 +12\.345678 +-0\.0500 \(2 records\)/,
  );
});

test('whoever closes or reopens a cycle says why, and that is recorded before it is done', async () => {
  const closed = await terminal.ask(['cycle', 'close', ...cycle, ...why, '--account', '101']);
  assert.equal(closed.out, 'cycle 2026-03-01 of account 0000000101 is closed; what comes late adjusts it\n');
  const { audit, calls } = terminal.services;
  assert.deepEqual(
    audit.map(({ action, subject, detail }) => [action, subject, detail.cycle, detail.reason]),
    [['cycle.close', 'customer C001', '2026-03-01', 'KPN sent the last file late']],
  );
  assert.equal((calls[0]!.input as { account: string }).account, '0000000101');
  await terminal.ask(['cycle', 'close', ...cycle, '--reason', 'asked by 0612345678', '--account', '101']);
  assert.equal((calls[1]!.input as { reason: string }).reason, 'asked by 061234****');
  const reopened = await terminal.ask(['cycle', 'reopen', ...cycle, ...why]);
  assert.match(reopened.out, /is open again; .*\n3 adjustments came home; calculated again by chain 43, 44\n/);
  const silent = await terminal.ask(['cycle', 'reopen', ...cycle]);
  assert.deepEqual([silent.code, /required option '--reason <text>'/.test(silent.err)], [2, true]);
});

test('what waits for a person is listed beside what is current, and decided about', async () => {
  const listed = await terminal.ask(['totals', 'review']);
  assert.match(
    listed.out,
    /\nC001 +2026-03-01 +0000000101 +2 > 3 +120 > 90 +12\.345678 > 1\.0000 +\S+ \S+ +the amount falls/,
  );
  const accepted = await terminal.ask(['totals', 'review', 'accept', ...cycle, ...why]);
  assert.equal(accepted.out, 'generation 3 of cycle 2026-03-01, account 0000000101, is current\n');
  await terminal.ask(['totals', 'review', 'discard', ...cycle, ...why]);
  assert.deepEqual(
    terminal.services.audit.map(({ action, detail }) => [action, detail.reason]),
    [
      ['totals.accept', 'KPN sent the last file late'],
      ['totals.discard', 'KPN sent the last file late'],
    ],
  );
});

test('a verdict that is none, or comes without its reason, is refused', async () => {
  const wrong = await terminal.ask(['totals', 'review', 'maybe', ...cycle, ...why]);
  assert.deepEqual([wrong.code, /takes accept or discard, .* not maybe/.test(wrong.err)], [2, true]);
  const silent = await terminal.ask(['totals', 'review', 'accept', ...cycle]);
  assert.deepEqual([silent.code, /needs --customer, --cycle and --reason/.test(silent.err)], [2, true]);
});

test('a backup is restored by its number', async () => {
  const restored = await terminal.ask(['totals', 'restore', ...cycle, ...why, '--generation', '1']);
  assert.match(restored.out, /^generation 1 of cycle 2026-03-01, account 0000000101, is current again \(digest abab/);
  const none = await terminal.ask(['totals', 'restore', ...cycle, ...why, '--generation', 'first']);
  assert.deepEqual([none.code, /must be a number from 1 on/.test(none.err)], [2, true]);
});

test('all of it has JSON', async () => {
  for (const command of [
    ['cycle', 'list', '--customer', 'C001'],
    ['cycle', 'close', ...cycle, ...why],
    ['cycle', 'reopen', ...cycle, ...why],
    ['totals', 'review'],
    ['totals', 'review', 'accept', ...cycle, ...why],
    ['totals', 'restore', ...cycle, ...why, '--generation', '1'],
  ]) {
    const { out, err } = await terminal.ask([...command, '--json']);
    assert.doesNotThrow(() => JSON.parse(out), `${command.join(' ')}: ${out}${err}`);
  }
});
