/** The pages of docs/ against what they describe. Examples that run are tested beside what they are examples of. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { primaryTree } from '../../actors/primary.ts';
import { nodeTree } from '../../actors/tree.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { configReference } from '../../src/config/show.ts';
import { callCategories } from '../../src/providers/kpn-sp16/call-codes.ts';
import { headerLayout, type Position, recordLayout, trailerLayout } from '../../src/providers/kpn-sp16/layout.ts';
import { layoutSpec } from '../../src/providers/spec/layout-spec.ts';
import { actor } from '../../supervisors/actor.ts';
import type { ChildSpec } from '../../supervisors/types.ts';

const root = join(import.meta.dirname, '../..');
const page = (name: string) => readFileSync(join(root, name), 'utf8');
const pages = ['README.md', 'CHANGELOG.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

test('docs/configuration.md has every key with its variable, default and description', () => {
  const rows = configReference().map(({ path, variable, default: fallback, description }) => {
    const shown = fallback === undefined ? '' : `\`${fallback}\``;
    return `| \`${path}\` | \`${variable}\` | ${shown} | ${description} |`;
  });
  const written = page('docs/configuration.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  assert.deepEqual(written, rows);
});

test('docs/sp16.md has every field of the layout at its positions, and every call code', () => {
  const text = page('docs/sp16.md');
  const place = ({ from, to }: Position) => (from === to ? `${from}` : `${from}-${to}`);
  const rows = (line: string, layout: Record<string, Position>) =>
    Object.entries(layout).map(([name, at]) => `| ${line} | ${name} | ${place(at)} |`);
  const { chargeFrom, chargeTo, ...record } = recordLayout;
  const expected = [
    ...rows('00 header', headerLayout),
    ...rows('10-50 record', record),
    ...rows('40-50 charge', { chargeFrom, chargeTo }),
    ...rows('99 trailer', trailerLayout),
  ];
  assert.deepEqual(
    text.split('\n').filter((line) => /^\| \d/.test(line)),
    expected,
  );
  const [, codes] = /Call codes: ([\s\S]*?)\. Any/.exec(text)!;
  const listed = codes!.split(/,\s+/).map((code) => code.split(' '));
  assert.deepEqual(Object.fromEntries(listed), callCategories);
});

test('the example of docs/layouts.md is a layout', () => {
  const [, example] = /```json\n([\s\S]*?)```/.exec(page('docs/layouts.md'))!;
  assert.equal(layoutSpec.parse(JSON.parse(example!)).records.types.length, 1);
});

test('docs/house.md has a line for every room and no other', () => {
  const named = [...page('docs/house.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!);
  for (const name of named) assert.ok(existsSync(join(root, name)), `${name} is not there`);
  const folders = (of: string) =>
    readdirSync(join(root, of), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .map((entry) => (of === '.' ? entry.name : `${of}/${entry.name}`));
  const rooms = [...folders('.').filter((name) => name !== 'src' && name !== 'coverage'), ...folders('src')];
  assert.deepEqual(named.filter((name) => !name.endsWith('.ts')).sort(), rooms.sort());
});

test('docs/cli.md has every command', () => {
  const output = { write: () => true } as never;
  const program = buildProgram(new Command(), { stdout: output, stderr: output } as never, () => {});
  const words = program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : command.commands.map((verb) => `${command.name()} ${verb.name()}`),
  );
  const written = [...page('docs/cli.md').matchAll(/^\| `linekeeper ([a-z]+(?:-[a-z]+)*(?: [a-z]+)?)/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(written.sort(), words.sort());
});

test('the budget of each supervisor is in docs/supervision.md, and of the primary in docs/processes.md', () => {
  const leaf = (id: string) => actor({ id, init: () => null, receive: () => null });
  const parts = { observability: [], infrastructure: [], chains: [], providers: [], guardians: [], processes: [] };
  const rows = (spec: ChildSpec): string[] => {
    if (spec.kind !== 'supervisor') return [];
    const budget = `${spec.intensity} in ${(spec.periodMs ?? 0) / 1000} s`;
    return [`| \`${spec.id}\` | ${spec.strategy ?? 'one_for_one'} | ${budget} |`, ...spec.children.flatMap(rows)];
  };
  const written = (name: string) =>
    page(name)
      .split('\n')
      .filter((line) => / in \d+ s \|$/.test(line));
  assert.deepEqual(written('docs/supervision.md'), rows(nodeTree({ ...parts, scheduler: [leaf('scheduler')] })));
  assert.deepEqual(written('docs/processes.md'), rows(primaryTree(parts)));
});

test('every link between pages leads somewhere', () => {
  for (const name of pages) {
    for (const [, target] of page(name).matchAll(/\]\(([^)#:]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(root, dirname(name), target!)), `${name} links to ${target}`);
    }
  }
});

test('the README shows the commands of package.json and of the command line', () => {
  const scripts = Object.keys((JSON.parse(page('package.json')) as { scripts: object }).scripts);
  const text = page('README.md');
  for (const [, script] of text.matchAll(/npm run ([a-z]+)/g))
    assert.ok(scripts.includes(script!), `npm run ${script}`);
  const known = page('docs/cli.md');
  for (const [, command] of text.matchAll(/bin\/linekeeper ([a-z]+(?: [a-z]+)?)/g)) {
    assert.ok(known.includes(`linekeeper ${command}`), `linekeeper ${command}`);
  }
});
