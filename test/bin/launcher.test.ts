import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const root = mkdtempSync(join(tmpdir(), 'lk-launcher-'));
after(() => rmSync(root, { recursive: true }));
const launcher = join(import.meta.dirname, '../../bin/linekeeper');

/** A project of its own: the real launcher, and a main.ts that says what it was started with. */
function project(name: string, options: { packages?: boolean; bundled?: 'inside' | 'beside' } = {}): string {
  const home = join(root, name, options.bundled === 'beside' ? 'node_modules/linekeeper' : 'project');
  mkdirSync(join(home, 'bin'), { recursive: true });
  mkdirSync(join(home, 'src/cli'), { recursive: true });
  copyFileSync(launcher, join(home, 'bin/linekeeper'));
  chmodSync(join(home, 'bin/linekeeper'), 0o755);
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(home, 'src/cli/main.ts'),
    `const said: unknown = { node: process.execPath, major: Number(process.versions.node.split('.')[0]), args: process.argv.slice(2), cwd: process.cwd(), entry: process.argv[1], cache: process.env.NODE_COMPILE_CACHE };\nconsole.log(JSON.stringify(said));\nprocess.exit(7);\n`,
  );
  const packages = options.bundled === 'beside' ? dirname(home) : join(home, 'node_modules');
  if (options.packages !== false) mkdirSync(join(packages, 'pg'), { recursive: true });
  if (options.bundled) {
    const folder = join(packages, `node-linux-${process.arch}/bin`);
    mkdirSync(folder, { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node'));
  }
  return home;
}

/** A PATH with the plain tools and a node that claims a version. */
function pathWith(version: string | null): string {
  const folder = mkdtempSync(join(root, 'path-'));
  if (version) {
    writeFileSync(join(folder, 'node'), `#!/bin/sh\necho ${version}\n`);
    chmodSync(join(folder, 'node'), 0o755);
  }
  const tools = join(root, 'tools');
  mkdirSync(tools, { recursive: true });
  for (const tool of ['readlink', 'sh']) {
    try {
      symlinkSync(`/bin/${tool}`, join(tools, tool));
    } catch {}
  }
  return `${folder}:${tools}`;
}

function run(command: string, env: Record<string, string>, cwd = '/'): SpawnSyncReturns<string> {
  return spawnSync(command, ['rate', '--tariff', 'a b.json', ''], { env, cwd, encoding: 'utf8' });
}

test('the bundled Node runs, from any directory, through links, with the arguments and the exit code unchanged', () => {
  const home = project('inside', { bundled: 'inside' });
  mkdirSync(join(home, 'links'));
  symlinkSync('../bin/linekeeper', join(home, 'links/relative'));
  symlinkSync(join(home, 'links/relative'), join(root, 'absolute'));
  const calls: [string, string][] = [
    [join(home, 'bin/linekeeper'), '/'],
    ['bin/linekeeper', home],
    ['./linekeeper', join(home, 'bin')],
    ['../absolute', join(root, 'inside')],
    [join(root, 'absolute'), tmpdir()],
  ];
  for (const [command, cwd] of calls) {
    const result = run(command, { PATH: pathWith('v20.20.2'), HOME: join(root, 'someone') }, cwd);
    assert.equal(result.status, 7, `${command}: ${result.stderr}`);
    const said = JSON.parse(result.stdout) as Record<string, unknown>;
    assert.deepEqual(said.args, ['rate', '--tariff', 'a b.json', '']);
    assert.equal(said.cwd, cwd);
    assert.equal(said.cache, join(root, 'someone/.cache/linekeeper'));
    assert.equal(result.stderr, '');
  }
});

test('a link to the directory stays in the path of the program, so that the service knows what it was started through', () => {
  const home = project('releases', { bundled: 'inside' });
  const current = join(root, 'current');
  symlinkSync(home, current);
  symlinkSync(join(current, 'bin/linekeeper'), join(root, 'command'));
  const entry = (command: string, cwd?: string) => {
    const result = run(command, { PATH: pathWith(null) }, cwd);
    return (JSON.parse(result.stdout) as { entry: string }).entry;
  };
  assert.equal(entry(join(current, 'bin/linekeeper')), join(current, 'src/cli/main.ts'));
  assert.equal(entry('current/bin/linekeeper', root), join(current, 'src/cli/main.ts'));
  assert.equal(entry(join(root, 'command')), join(current, 'src/cli/main.ts'));
  assert.equal(entry(join(home, 'bin/linekeeper')), join(home, 'src/cli/main.ts'));
});

test('as a dependency of another package the bundled Node beside it is found', () => {
  const home = project('beside', { bundled: 'beside' });
  // Node itself refuses .ts below node_modules, so only the choice of the Node is seen here.
  const result = run(join(home, 'bin/linekeeper'), { PATH: pathWith('v20.20.2') });
  assert.match(result.stderr, /ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING/);
});

test('LINEKEEPER_NODE comes first, and is refused by name when it is too old or does not run', () => {
  const home = project('chosen', { bundled: 'inside' });
  const chosen = join(root, 'chosen-node');
  symlinkSync(process.execPath, chosen);
  const good = run(join(home, 'bin/linekeeper'), { PATH: pathWith(null), LINEKEEPER_NODE: chosen });
  assert.equal(good.status, 7, good.stderr);
  const old = join(pathWith('v20.1.0').split(':')[0]!, 'node');
  for (const [node, words] of [
    [old, `LINEKEEPER_NODE=${old} is not a Node 26 or newer (it is v20.1.0)`],
    ['/nowhere/node', 'LINEKEEPER_NODE=/nowhere/node is not a Node 26 or newer: correct it'],
  ] as const) {
    const result = run(join(home, 'bin/linekeeper'), { PATH: pathWith(null), LINEKEEPER_NODE: node });
    assert.equal(result.status, 69);
    assert.ok(result.stderr.includes(words), result.stderr);
    assert.equal(result.stderr.trim().split('\n').length, 1);
  }
});

test('without a bundled Node the first one on PATH that is new enough runs', () => {
  const home = project('path');
  const real = join(root, 'real');
  mkdirSync(real);
  symlinkSync(process.execPath, join(real, 'node'));
  const result = run(join(home, 'bin/linekeeper'), { PATH: `${pathWith('v20.20.2')}:${real}` });
  assert.equal(result.status, 7, result.stderr);
});

test('where nothing new enough is found one line says what was found and what to do, with exit code 69', () => {
  const home = project('none');
  for (const [version, found] of [
    ['v20.20.2', 'found v20.20.2 at '],
    ['v9.9.9', 'found v9.9.9 at '],
    [null, 'found none'],
  ] as const) {
    const result = run(join(home, 'bin/linekeeper'), { PATH: pathWith(version) });
    assert.equal(result.status, 69);
    assert.match(result.stderr, /^linekeeper: needs Node 26 or newer and .*run 'npm ci' in .*\/none\/project.*\n$/);
    assert.ok(result.stderr.includes(found), result.stderr);
  }
});

test('without its packages it says so instead of failing in the middle', () => {
  const home = project('bare', { packages: false });
  const result = run(join(home, 'bin/linekeeper'), { PATH: pathWith(null), LINEKEEPER_NODE: process.execPath });
  assert.equal(result.status, 69);
  assert.match(result.stderr, /^linekeeper: its packages are not installed: run 'npm ci' in .*\n$/);
});

test('a compile cache that is set stays, and one is only made up where there is a home for it', () => {
  const home = project('cache', { bundled: 'inside' });
  const cacheFor = (env: Record<string, string>) => {
    const result = run(join(home, 'bin/linekeeper'), { PATH: pathWith(null), ...env });
    return (JSON.parse(result.stdout) as { cache?: string }).cache;
  };
  const at = (name: string) => join(root, name);
  assert.equal(cacheFor({}), undefined);
  assert.equal(cacheFor({ NODE_COMPILE_CACHE: at('c'), HOME: at('h') }), at('c'));
  assert.equal(cacheFor({ XDG_CACHE_HOME: at('x'), HOME: at('h') }), at('x/linekeeper'));
  assert.equal(cacheFor({ CACHE_DIRECTORY: `${at('s')}:${at('t')}`, HOME: at('h') }), at('s/linekeeper'));
});
