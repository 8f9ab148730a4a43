/**
 * `npm run faults -- --minutes 10 --seed S`: the soak of the fault suite (docs/faults.md). Without a seed it draws one and
 * prints it. `--plan` only prints what the seed would do. `--flood` runs that scenario instead: 100,000 chains and 10,000
 * children for one service. Ends with 1 when something was found.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runFlood } from '../test/faults/flood.ts';
import { lanes } from '../test/faults/plan.ts';
import { reportOf } from '../test/faults/report.ts';
import { planOf, runFaults } from '../test/faults/run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    plan: { type: 'boolean' },
    flood: { type: 'boolean' },
  },
});
const seed = values.seed ?? randomBytes(4).toString('hex');
const minutes = Number(values.minutes ?? 10);
if (!(minutes > 0 && minutes <= 600))
  throw new Error(`--minutes ${values.minutes} must be a number above 0, up to 600`);

const say = (line: string) => process.stdout.write(`${line}\n`);

if (values.flood) {
  const findings = await runFlood({ chains: 100_000, children: 10_000, mostGrowthMb: 400, timeoutMs: 600_000, say });
  say(findings.length === 0 ? 'every checker is satisfied' : findings.join('\n'));
  process.exitCode = findings.length === 0 ? 0 : 1;
} else if (values.plan) {
  const { services, plan } = planOf({ seed });
  say(`seed ${seed}: services of ${services.join(' and ')} processes`);
  const drawn = lanes.flatMap((lane) => [
    `${lane}:`,
    ...plan[lane].slice(0, 60).map(({ fault, gapMs }) => `  after ${gapMs} ms: ${fault.name}`),
  ]);
  say(drawn.join('\n'));
} else {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => end.abort(new Error(`seed ${seed} was interrupted by ${signal}`)));
  }
  const result = await runFaults({
    seed,
    signal: end.signal,
    forMs: minutes * 60_000,
    livenessMs: 120_000,
    // only root can have a small disk to fill
    ownDisk: process.getuid?.() === 0,
    say,
  }).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    // lanes of faults may still wait for something that is gone
    process.exit(1);
  });
  say(`\n${reportOf(seed, result)}`);
  process.exitCode = result.findings.length === 0 ? 0 : 1;
}
