import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nameOf } from '../../../bench/chains/cells.ts';
import { pgbenchScript } from '../../../bench/chains/pgbench.ts';
import { type Case, cases } from '../../../bench/chains/plan.ts';
import { type Measured, rowsOf } from '../../../bench/chains/report.ts';

const byName = (name: string): Case => cases.find((one) => one.name === name)!;

/** The last four cells, from `ours is` on, of each contender beside ours. */
function verdicts(one: Case, medians: Readonly<Record<string, number>>): Record<string, string[]> {
  const results: Measured[] = one.contenders.map((who) => ({
    case: one,
    who,
    samples: [{ value: medians[nameOf(who)]! }],
  }));
  return Object.fromEntries(rowsOf(one, results).map((row) => [row[2]!, row.slice(8)]));
}

test('a rate must be at least the floor times the peer', () => {
  const { 'graphile-worker': below } = verdicts(byName('drain'), {
    linekeeper: 99,
    'pg-boss, next': 1,
    'graphile-worker': 100,
    'bullmq, everysec': 1,
  });
  assert.deepEqual(below, ['0.99 x', '>= 1 x', '>= 1.25 x', 'below the floor']);
  const { 'graphile-worker': short } = verdicts(byName('drain'), {
    linekeeper: 124,
    'pg-boss, next': 1,
    'graphile-worker': 100,
    'bullmq, everysec': 1,
  });
  assert.equal(short![3], 'short of the goal');
});

test('a time must be at most so many times the peer', () => {
  const found = verdicts(byName('latency'), {
    linekeeper: 3,
    'pg-boss, notify': 12,
    'graphile-worker': 4,
    'bullmq, everysec': 2,
    'bullmq, always': 5.5,
  });
  assert.deepEqual(found['pg-boss, notify'], ['0.25 x', '<= 0.6 x', '', 'reached']);
  assert.equal(found['graphile-worker']![3], 'below the floor');
  assert.equal(found['bullmq, always']![3], 'reached');
  assert.deepEqual(found['bullmq, everysec'], ['1.50 x', '', '', '']);
});

test('every bar stands beside a contender of its case, or beside the limit', () => {
  for (const { name, contenders, bars } of cases) {
    for (const { beside } of bars) {
      const known = [...contenders.map(nameOf), 'pgbench, limit'];
      assert.ok(known.includes(nameOf(beside)), `${name}: ${nameOf(beside)}`);
    }
  }
});

test('pgbench gets the statements without a parameter left over', () => {
  const script = pgbenchScript();
  assert.doesNotMatch(script, /\$\d/);
  assert.equal(script.split('\n').length, 5);
});

test('the peers are pinned in a package of their own and are none of the product', () => {
  const manifest = (path: string) =>
    JSON.parse(readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')) as Record<string, object | undefined>;
  const peers = manifest('bench/peers/package.json').dependencies as Record<string, string>;
  const own = manifest('package.json');
  const products = { ...own.dependencies, ...own.devDependencies, ...own.optionalDependencies };
  for (const [name, version] of Object.entries(peers)) {
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} is pinned exactly`);
  }
  for (const name of ['pg-boss', 'graphile-worker', 'bullmq']) {
    assert.ok(name in peers, name);
    assert.ok(!(name in products), `${name} is no dependency of the product`);
  }
});
