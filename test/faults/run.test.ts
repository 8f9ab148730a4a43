/**
 * The short form of the fault suite: a few faults of each lane, drawn from a seed, against a service under load. A failure
 * names its seed; `npm run faults -- --seed S` has more of the same, and docs/faults.md says how to go on from there.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { reportOf } from './report.ts';
import { runFaults } from './run.ts';

for (const seed of ['linekeeper', randomBytes(4).toString('hex')]) {
  test(`whatever happens, nothing is lost, doubled or stuck: seed ${seed}`, async (t) => {
    const result = await runFaults({
      seed,
      forMs: 30_000,
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
