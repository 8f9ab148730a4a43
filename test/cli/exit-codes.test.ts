import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { exitCodeMeanings } from '../../src/cli/exit-codes.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeEach(async () => {
  terminal = await openTerminal();
});
afterEach(() => terminal.close());

const usage: readonly [readonly string[], RegExp][] = [
  [['sync', 'run', '--custmer', 'C001'], /unknown option '--custmer'\n\(Did you mean --customer\?\)/],
  [['totals', 'recalculate', '--customer', 'C001', '--cylce', 'x'], /Did you mean --cycle\?/],
  [['sync', 'run'], /required option '--customer <code>' not specified/],
  [['snyc', 'run'], /unknown command 'snyc'\n\(Did you mean sync\?\)/],
  [['chain', 'lst'], /Did you mean list\?/],
  [['chain', 'show'], /missing required argument 'id'/],
  [['chain', 'list', '--limit', 'many'], /must be a whole number/],
  [['health', 'now'], /too many arguments/],
  [['chain'], /Usage: linekeeper chain/],
  [[], /Usage: linekeeper/],
];
for (const [args, message] of usage) {
  test(`linekeeper ${args.join(' ')} is a wrong command line: exit 2, and the way out`, async () => {
    const { code, out, err } = await terminal.run(args);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
  });
}

test('help and version are exit 0 on standard output', async () => {
  for (const args of [['--help'], ['sync', '--help'], ['sync', 'run', '--help'], ['--version']]) {
    const { code, out, err } = await terminal.run(args);
    assert.deepEqual([code, err], [0, ''], args.join(' '));
    assert.ok(out.length > 4);
  }
});

test('an unknown customer, cycle or chain is told by the service: exit 1', async () => {
  for (const [args, message] of [
    [['sync', 'run', '--customer', 'C999'], /^linekeeper: customer C999 is not known; known: C001\n$/],
    [
      ['totals', 'recalculate', '--customer', 'C001', '--cycle', 'march'],
      /cycle "march": must be a date such as 2026-03-01/,
    ],
    [['chain', 'why', '999'], /there is no chain 999; list them with: linekeeper chain list/],
    [['chain', 'list', '--state', 'asleep'], /must be one of ready, running/],
  ] as const) {
    const { code, out, err } = await terminal.ask(args);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, message);
  }
});

test('no service on the socket is exit 69, with what to do', async () => {
  await terminal.stopService();
  const { code, err } = await terminal.ask(['health']);
  assert.equal(code, 69);
  assert.match(err, /no service listens at .*admin\.sock; start it with: linekeeper start/);
});

test('a killed service that left its socket is exit 69', async () => {
  await terminal.stopService();
  const script = `require('node:net').createServer().listen(${JSON.stringify(terminal.socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  const { code, err } = await terminal.ask(['health']);
  assert.equal(code, 69);
  assert.match(err, /no service listens at .* any more/);
});

test('somebody else on the socket is exit 69', async () => {
  await terminal.stopService();
  const other = createServer((_request, response) => response.end('hello'));
  await new Promise<void>((resolve) => other.listen(terminal.socketPath, resolve));
  const { code, err } = await terminal.ask(['health']);
  assert.equal(code, 69);
  assert.match(err, /is no linekeeper/);
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
});

test('a wrong configuration is exit 78 and lists every problem, for the service and for its callers', async () => {
  writeFileSync(join(terminal.directory, 'linekeeper.json'), '{"databse":{},"chains":{"lanes":0}}');
  for (const args of [['config', 'check'], ['config', 'show'], ['start'], ['health']]) {
    const { code, out, err } = await terminal.run([...args, '--config', 'linekeeper.json']);
    assert.deepEqual([code, out], [78, ''], args.join(' '));
    assert.match(err, /unknown key databse.*did you mean database\?/);
    assert.match(err, /chains\.lanes is 0/);
  }
});

test('config check finds references that lead nowhere; config show shows no secret', async () => {
  const write = (value: unknown) => writeFileSync(join(terminal.directory, 'c.json'), JSON.stringify(value));
  write({ database: { url: { env: 'DB_URL' } } });
  const missing = await terminal.run(['config', 'check', '--config', 'c.json']);
  assert.equal(missing.code, 78);
  assert.match(missing.err, /database\.url: .*DB_URL, which is not set/);
  write({ database: { url: 'postgres://me:hunter2@db/telecom' } });
  assert.equal((await terminal.run(['config', 'check', '--config', 'c.json'])).out, 'the configuration is right\n');
  const shown = await terminal.run(['config', 'show', '--config', 'c.json']);
  assert.equal(JSON.parse(shown.out).database.url, 'postgres://me:***@db/telecom');
});

test('the socket is that of the configuration when none is named', async () => {
  const { code } = await terminal.run(['health'], { env: { LINEKEEPER_STATE_DIRECTORY: terminal.directory } });
  assert.equal(code, 0);
});

test('the table in docs/cli.md is the table of the code', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map((match) => [match[1], match[2]]);
  assert.deepEqual(rows, Object.entries(exitCodeMeanings));
});

test('every command of the program stands in docs/cli.md', async () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8');
  const { out } = await terminal.run(['--help']);
  const nouns = [...out.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]!);
  assert.ok(nouns.length > 10, out);
  for (const noun of nouns) {
    const verbs = [...(await terminal.run([noun, '--help'])).out.matchAll(/^ {2}([a-z]+) (?:\[options\]|<)/gm)];
    for (const words of verbs.length > 0 ? verbs.map((match) => `${noun} ${match[1]}`) : [noun]) {
      assert.ok(text.includes(`linekeeper ${words}`), `docs/cli.md lacks: linekeeper ${words}`);
    }
  }
});

test('a file without permission is named', async () => {
  const file = join(terminal.directory, 'locked.json');
  writeFileSync(file, '{}');
  chmodSync(file, 0o000);
  const { code, err } = await terminal.ask(['tariff', 'load', 'locked.json']);
  // root reads everything, and then the service refuses the empty document
  assert.equal(code, 1);
  assert.match(err, process.getuid?.() === 0 ? /versions: is missing/ : /may not be read by this user/);
});
