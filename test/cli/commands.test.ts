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

test('every command has JSON and nothing else on standard output', async () => {
  writeFileSync(join(terminal.directory, 'tariff.json'), '{"tariff":"kpn","versions":[]}');
  const commands = [
    'health',
    'status',
    'tree',
    'chain list',
    'chain show 42',
    'chain why 42',
    'chain cancel 42',
    'chain retry 42',
    'sync run --customer C001',
    'import --from-archive file.dat.gz --customer C001',
    'totals show --customer C001',
    'totals show --customer C001 --cycle 2026-03-01',
    'totals explain --customer C001 --cycle 2026-03-01',
    'totals recalculate --customer C001 --cycle 2026-03-01',
    'schedule list',
    'schedule show sync:manager',
    'schedule enable sync:manager',
    'schedule disable sync:manager',
    'schedule run sync:manager',
    'invoice load tariff.json',
    'invoice list --customer C001',
    'invoice show 2026-0017 --customer C001',
    'reconcile run --customer C001 --cycle 2026-03-01',
    'reconcile show --customer C001 --cycle 2026-03-01',
    'reconcile set 71 accepted --why agreed',
    'alert list',
    'alert resolve sync.late profile',
    'tariff load tariff.json',
    'zones load tariff.json',
    'customer apply tariff.json',
    'subscription list',
    'alert-rule list',
    'purge',
    'subscription erase 31612345678 --customer C001 --reason asked',
    'purge --dry-run',
    'alert-rule apply tariff.json',
    'report usage --customer C001 --cycle 2026-03-01',
    'actor send work/router {}',
  ];
  for (const command of commands) {
    const { code, out, err } = await terminal.ask([...command.split(' '), '--json']);
    assert.equal(code, 0, `${command}: ${err}`);
    assert.doesNotThrow(() => JSON.parse(out), `${command}: ${out}`);
    assert.equal(err, '', command);
  }
});

test('chains are shown as aligned lines in a pipe and as a table on a terminal', async () => {
  const plain = await terminal.ask(['chain', 'list', '--state', 'running', '--limit', '3']);
  assert.deepEqual(terminal.services.calls[0]!.input, { state: 'running', limit: 3 });
  assert.match(
    plain.out,
    /^ID {2}CHAIN +SUBJECT +STEP +STATE +SINCE \(UTC\) +REASON\n42 {2}kpn-sp16 +C001\/KPN_SP16 +rate +running +2026-04-01 10:00:00\n/,
  );
  assert.match((await terminal.ask(['chain', 'list'], { tty: true })).out, /┌─.*┐\n│ ID │ CHAIN/);
});

test('a chain is shown with its steps, progress and log, and why it waits', async () => {
  const shown = await terminal.ask(['chain', 'show', '42']);
  assert.match(shown.out, /fetch > import > \[rate\] > totals/);
  assert.match(shown.out, /progress 1,200\/4,800 records/);
  assert.match(shown.out, /succeeded +1,234/);
  const why = await terminal.ask(['chain', 'why', '42']);
  assert.equal(
    why.out,
    'Chain 42 waits to try again.\nuntil 2026-04-01 10:00:00 UTC at the latest\nnext: linekeeper chain cancel 42\n',
  );
});

test('cancel and retry are done in the name of the user', async () => {
  assert.equal((await terminal.ask(['chain', 'cancel', '42'])).out, 'chain 42 is cancelled now\n');
  assert.equal((await terminal.ask(['chain', 'retry', '42'])).out, 'chain 42 is ready now\n');
  assert.match(terminal.services.audit[0]!.actor, /^[A-Za-z0-9._-]+@cli$/);
});

test('totals mask the numbers of subscriptions unless they are asked for', async () => {
  const show = ['totals', 'show', '--customer', 'C001', '--cycle', '2026-03-01'];
  const masked = await terminal.ask(show);
  assert.match(masked.out, /2026-03-01 +0000000101 +2 +120 +1 +12\.3456[^\n]* 2026-04-01 10:00:00 +abababababab\n/);
  assert.match(masked.out, /3161234\*\*\*\* +national-mobile +120 +1 +3,600 s +12\.3456/);
  assert.ok(!masked.out.includes('31612345678'));
  assert.match((await terminal.ask([...show, '--numbers'])).out, /31612345678/);
  assert.ok(!(await terminal.ask([...show, '--json'])).out.includes('31612345678'));
});

test('the inventory masks numbers unless they are asked for, and rules are shown with what they ask for', async () => {
  const masked = await terminal.ask(['subscription', 'list', '--customer', 'C001', '--unused', '3', '--discovered']);
  assert.match(masked.out, /17 +C001 +0000000101 +3161234\*\*\*\* +manual +sales/);
  assert.deepEqual(terminal.services.calls.at(-1)!.input, {
    customer: 'C001',
    unused: 3,
    discovered: true,
    limit: 1_000,
  });
  assert.match((await terminal.ask(['subscription', 'list', '--numbers'])).out, /31612345678/);
  assert.match((await terminal.ask(['alert-rule', 'list'])).out, /usage\.long-call +default +yes +hours 4/);
});

test('what is in suspense is told by end customer and masked number', async () => {
  const { out } = await terminal.ask(['suspense', 'list']);
  assert.match(out, /R001 +0000005001 +C001 +2026-03 +3161234\*\*\*\* +3 +0\.1250/);
  assert.match(out, /R001 +0000005999 +\(no contract\) +2026-03 +\(all\)/);
  assert.match((await terminal.ask(['suspense', 'list', '--numbers'])).out, /31612345678/);
});

test('a total is explained down to file, line, rule and pieces', async () => {
  const explain = ['totals', 'explain', '--customer', 'C001', '--cycle', '2026-03-01'];
  const { out } = await terminal.ask(explain);
  assert.match(out, /12\.3456\d* EUR from 120 records \(generation 2, rating run 9/);
  assert.match(
    out,
    /2026-03-02T07:59:00 3161234\*\*\*\* to \+3168765\*\*\*\* \(NL, mobile\) national-mobile 100 s: 0\.2400 EUR/,
  );
  assert.match(out, /file SP16X_0000000101_202603_000001\.dat\.gz line 17\n/);
  assert.match(
    out,
    /tariff kpn-zakelijk, version of 2026-01-01T00:00:00, rule nl-mobile-peak\n {4}connect fee 0\.0500 EUR\n/,
  );
  assert.match(out, /from 0: 102 s billed at 0\.1200 EUR per 60 s \(nl-mobile-peak, step 1\)/);
  assert.match(out, /… 119 more; ask for more with --limit/);
  assert.match((await terminal.ask([...explain, '--msisdn', '31612345678'])).out, /31612345678/);
});

test('health, tree and status show what needs attention', async () => {
  const { out } = await terminal.ask(['status']);
  assert.match(out, /^ok: linekeeper 0\.1\.0, pid \d+, since 2026-04-01 10:00:00 UTC\n/);
  assert.match(out, /warning: no alert channel is configured/);
  assert.match(out, /root {2}running\n└─ work {2}running\n {3}└─ router {2}running, 2 restarts, last error: boom\n$/);
  terminal.services.status = 'degraded';
  assert.equal((await terminal.ask(['health'])).code, 0);
  terminal.services.status = 'failing';
  assert.equal((await terminal.ask(['health'])).code, 1);
  assert.equal((await terminal.ask(['status'])).code, 1);
});

test('alerts are listed, and a channel that does not take the test is exit 1', async () => {
  assert.match((await terminal.ask(['alert', 'list'])).out, /open +warning +sync\.late +profile 12 +3 /);
  const tested = await terminal.ask(['alert', 'test']);
  assert.deepEqual([tested.code, tested.out], [1, 'webhook x did not take it: no answer\n']);
});

test('documents are loaded; what is wrong with them is said with their file', async () => {
  const write = (name: string, text: string) => writeFileSync(join(terminal.directory, name), text);
  write('good.json', '\uFEFF{"tariff":"kpn","versions":[]}');
  write('bad.json', '{"tariff":"kpn"}');
  write('words.md', '# Linekeeper, in words');
  write('broken.json', '{"msisdn": 31612345678,}');
  assert.equal(
    (await terminal.ask(['tariff', 'load', 'good.json'])).out,
    'good.json: tariff kpn-zakelijk, versions 2\n',
  );
  const expected = [
    ['bad.json', 'bad.json: versions: is missing'],
    ['words.md', 'words.md is not JSON: it breaks at a "#" that has no place there'],
    ['broken.json', 'broken.json is not JSON: it breaks at position 23 (line 1 column 24)'],
    ['gone.json', 'gone.json is not there'],
    ['.', '. is a directory'],
  ] as const;
  for (const [file, message] of expected) {
    const { code, err } = await terminal.ask(['tariff', 'load', file]);
    assert.deepEqual([code, err], [1, `linekeeper: ${message}\n`]);
  }
});

test('schedules are listed and shown with their times, switched and run', async () => {
  const list = await terminal.ask(['schedule', 'list']);
  assert.match(
    list.out,
    /^SCHEDULE .*\nsync:manager +\*\/5 \* \* \* \* Europe\/Amsterdam +sync-manager +2026-04-01 10:05:00 /,
  );
  const shown = await terminal.ask(['schedule', 'show', 'sync:manager']);
  assert.match(
    shown.out,
    /next \(UTC\): 2026-04-01 10:05:00, 2026-04-01 10:10:00\nDUE .*\n2026-04-01 10:00:00 +fired +42\n$/,
  );
  assert.equal((await terminal.ask(['schedule', 'disable', 'sync:manager'])).out, 'sync:manager is switched off\n');
  assert.equal(
    (await terminal.ask(['schedule', 'enable', 'sync:manager'])).out,
    'sync:manager is due at 2026-04-01 10:05:00 UTC\n',
  );
  assert.equal((await terminal.ask(['schedule', 'run', 'sync:manager'])).out, 'sync:manager runs as chain 43\n');
  const unknown = await terminal.ask(['schedule', 'run', 'sync:manger']);
  assert.deepEqual([unknown.code, unknown.out], [1, '']);
  assert.match(unknown.err, /there is no schedule sync:manger; schedules are: sync:manager/);
});

test('a control message is sent, and one that is no JSON is refused before', async () => {
  assert.equal((await terminal.ask(['actor', 'send', 'work/router', '{"type":"pause"}'])).out, 'work/router has it\n');
  const bad = await terminal.ask(['actor', 'send', 'work/router', 'pause']);
  assert.deepEqual([bad.code, terminal.services.calls.length], [2, 1]);
});
