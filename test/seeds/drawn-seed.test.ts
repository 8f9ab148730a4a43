/** The short form of `npm run seeds`: one seed, drawn and named in the report. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { everyFault, faultsOf, planOfSeed, plansOf } from './plan.ts';
import { runSeed } from './run.ts';

const seed = randomBytes(4).toString('hex');

test(`whatever the providers do wrong, every total is the truth in the end: seed ${seed}`, async (t) => {
  const plan = planOfSeed(seed, 8);
  t.diagnostic(faultsOf(plan).join('\n'));
  const { findings, figures } = await runSeed(plan, (line) => t.diagnostic(line));
  t.diagnostic(figures.join('\n'));
  assert.deepEqual(findings, [], `seed ${seed}: ${faultsOf(plan).join(', ')}`);
});

test('twenty seeds are dealt every fault, and the same seeds the same ones', () => {
  const seeds = Array.from({ length: 20 }, (_, at) => `seed ${at}`);
  const dealt = new Set(
    plansOf(seeds).flatMap(({ files, calls }) => [
      ...files.map(({ fault, arg }) => `${fault} ${arg ?? ''}`),
      ...calls.map(({ at, fault, arg }) => `${at} ${fault} ${arg.kind}`),
    ]),
  );
  const all = everyFault().map((one) =>
    one.on === 'file' ? `${one.fault} ${one.arg ?? ''}` : `${one.at} ${one.fault} ${one.kind}`,
  );
  assert.deepEqual(
    all.filter((one) => !dealt.has(one)),
    [],
  );
  assert.deepEqual(plansOf(seeds), plansOf(seeds));
});
