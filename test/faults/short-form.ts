/** The short form of a run, for `npm test`: a few faults of each lane, under a minute on a quiet machine. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { reportOf } from './report.ts';
import { runFaults } from './run.ts';

export function shortForm(seed: string): void {
  test(`whatever happens, nothing is lost, doubled or stuck: seed ${seed}`, async (t: TestContext) => {
    const result = await runFaults({
      seed,
      forMs: 25_000,
      counts: { nodes: 3, stores: 3, network: 3, work: 3 },
      livenessMs: 60_000,
      ownDisk: false,
      say: (line) => t.diagnostic(line),
    });
    const report = reportOf(seed, result);
    t.diagnostic(report);
    assert.deepEqual(result.findings, [], report);
  });
}
