import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { alertRules } from '../../actors/alert-rules.ts';
import type { LookResult } from '../../src/alert-rules/evaluate.ts';
import { lookAtSwaps, lookByClock } from '../../src/alert-rules/evaluate.ts';
import { DatabaseDownError, PoolBusyError } from '../../src/database/session.ts';
import { type SupervisionEvent, startTree, supervisor } from '../../supervisors/tree.ts';
import { publish } from '../alert-rules/published.ts';
import { harness, until } from '../chains/harness.ts';
import { makeContract } from '../support/contract.ts';

const h = await harness();
after(() => h.close());

const nothing: LookResult = { cycles: 0, raised: [], resolved: 0, more: false };
const quiet = { info() {} };

test('a swap is looked at within a period, and what was raised is logged without a number', async () => {
  const logged: string[] = [];
  const spec = alertRules({
    lookAtSwaps: () => lookAtSwaps(h.database, { raise() {}, resolve() {} }),
    lookByClock: () => lookByClock(h.database, { raise() {}, resolve() {} }),
    availability: { isUp: () => true, report: () => false, whenUp: async () => {} },
    swapsEveryMs: 5,
    clockEveryMs: 60_000,
    log: { info: (fields, message) => void logged.push(`${JSON.stringify(fields)} ${message}`) },
  });
  const root = await startTree(supervisor({ id: 'root', children: [spec] }), { report() {} });
  const contract = await makeContract(h.database);
  await publish(h.database, contract, '2026-03-01', [{ msisdn: '31611111111', category: 'sms', eur: 30 }]);
  await until(
    async () => logged.length,
    (lines) => lines > 0,
  );
  await root.stop(1_000);
  assert.match(logged.join(), /"alert":"usage\.out-of-bundle".* subscription 3161111\*\*\*\* /);
  assert.ok(!logged.join().includes('31611111111'));
});

test('a database that is away and a busy pool are waited out; a look that cannot be is a crash', async () => {
  const events: SupervisionEvent[] = [];
  const answers = [new PoolBusyError('busy'), new DatabaseDownError('away'), null, new Error('a wrong statement')];
  let up = false;
  let looks = 0;
  const spec = alertRules({
    async lookAtSwaps() {
      const answer = answers[looks] ?? null;
      looks += 1;
      if (answer) throw answer;
      return nothing;
    },
    lookByClock: async () => null,
    availability: { isUp: () => up, report: (error) => error instanceof DatabaseDownError, whenUp: async () => {} },
    swapsEveryMs: 1,
    clockEveryMs: 60_000,
    log: quiet,
  });
  const root = await startTree(supervisor({ id: 'root', children: [spec] }), {
    report: (event) => void events.push(event),
  });
  assert.equal(looks, 0);
  up = true;
  await until(
    async () => looks,
    (seen) => seen > 3,
  );
  await until(
    async () => events.length,
    (seen) => seen > 0,
  );
  await root.stop(1_000);
  assert.match(
    JSON.stringify(events, (_key, value) => (value instanceof Error ? value.message : value)),
    /a wrong statement/,
  );
});
