import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { drawFrom } from './draw.ts';
import { drawPlan, lanes } from './plan.ts';
import { allFaults, planOf } from './run.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/faults.md'), 'utf8');
const rows = [...page.matchAll(/^\| (\d+) \| [^|]* \| ([^|]*) \|/gm)].map(([, row, faults]) => ({
  row: Number(row),
  faults: faults!,
}));

test('docs/faults.md has every fault in its row and no other, and the tests that it names are there', () => {
  const written = rows.flatMap(({ row, faults }) =>
    faults
      .replace(/killed at ([a-z-]+(?:, [a-z-]+)+)/, (_, names: string) =>
        names
          .split(', ')
          .map((name) => `killed at ${name}`)
          .join('; '),
      )
      .split('; ')
      .filter((name) => name.trim() !== '')
      .map((name) => `${row} ${name.trim()}`),
  );
  assert.deepEqual(written.sort(), allFaults.map(({ row, name }) => `${row} ${name}`).sort());
  for (const [, path] of page.matchAll(/`(test\/[^`* ]+\.ts)`/g)) {
    assert.ok(existsSync(join(root, path!)), `${path} is not there`);
  }
});

test('a seed draws the same plan again, another seed another one, and every fault comes once before any comes again', () => {
  const told = (seed: string) => {
    const { services, plan } = planOf({ seed });
    return JSON.stringify([
      services,
      lanes.map((lane) =>
        plan[lane].slice(0, 40).map(({ fault, gapMs, draw }) => [fault.name, gapMs, draw.int(0, 1e6)]),
      ),
    ]);
  };
  assert.equal(told('a'), told('a'));
  assert.notEqual(told('a'), told('b'));
  const plan = drawPlan(drawFrom('c'), allFaults);
  for (const lane of lanes) {
    const all = allFaults.filter((fault) => fault.lane === lane).map(({ name }) => name);
    const first = plan[lane].slice(0, all.length).map(({ fault }) => fault.name);
    assert.deepEqual(first.sort(), all.sort(), lane);
  }
});
