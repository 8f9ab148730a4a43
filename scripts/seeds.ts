/**
 * `npm run seeds -- --count 20`: the providers do wrong what they can, in so many simulated worlds, and every total must be the
 * truth in the end (docs/simulator.md, "Seeds"). Half of the seeds are fixed, half are drawn and printed; `--seed S` runs one
 * alone. Every fault is dealt to one of them at least. Ends with 1 when something was found.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { faultsOf, planOfSeed, plansOf, type SeedPlan } from '../test/seeds/plan.ts';
import { runSeed } from '../test/seeds/run.ts';

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const count = Number(values.count ?? 20);
if (!Number.isSafeInteger(count) || count < 1 || count > 1_000) {
  throw new Error(`--count ${values.count} must be a whole number from 1 to 1000`);
}
const say = (line: string) => process.stdout.write(`${line}\n`);
const faultsOfOne = 8;

function seeds(): string[] {
  const fixed = Math.floor(count / 2);
  return Array.from({ length: count }, (_, at) => (at < fixed ? `fixed-${at + 1}` : randomBytes(4).toString('hex')));
}

async function runOne(plan: SeedPlan): Promise<readonly string[]> {
  const startedMs = performance.now();
  say(`\nseed ${plan.seed}: ${faultsOf(plan).join(', ')}`);
  const { findings, figures } = await runSeed(plan, say).catch((error: unknown) => {
    return { findings: [`it did not come to its end: ${(error as Error).message}`], figures: [] };
  });
  for (const line of figures) say(`  ${line}`);
  const took = `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
  say(findings.length === 0 ? `  every total is the truth (${took})` : `  ${findings.length} findings (${took}):`);
  for (const finding of findings.slice(0, 40)) say(`  - ${finding}`);
  return findings;
}

const plans = values.seed === undefined ? plansOf(seeds()) : [planOfSeed(values.seed, faultsOfOne)];
let found = 0;
for (const plan of plans) found += (await runOne(plan)).length;
say(found === 0 ? `\n${plans.length} seeds, nothing found` : `\n${found} findings`);
process.exitCode = found === 0 ? 0 : 1;
