import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { raiseRow } from '../../src/alerts/alert-rows.ts';
import type { AlertInput } from '../../src/alerts/alerts.ts';
import { chain } from '../../src/chains/define.ts';
import { openComputePool } from '../../src/compute/open-pool.ts';
import { syncInput } from '../../src/providers/sync-input.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import { rateStale, recalculation } from '../../src/totals/steps.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { unknownCodeRule, unknownCodeSubject } from '../../src/totals/unrated-alerts.ts';
import { type Harness, harness, isState } from '../chains/harness.ts';
import { makeContract, type TestContract } from '../support/contract.ts';

let h: Harness;
let contract: TestContract;
const cycleStart = '2026-03-01';
const compute = openComputePool({ threads: 1 });
before(async () => {
  h = await harness();
  contract = await makeContract(h.database);
});
after(async () => {
  await h.close();
  await compute.close();
});

const tariff = (prefix: string) => ({
  tariff: 'flat',
  provider: 'KPN',
  currency: 'EUR',
  timeZone: 'Europe/Amsterdam',
  versions: [
    {
      validFrom: '2026-01-01T00:00:00',
      validTo: null,
      rules: [
        {
          id: 'mobile',
          kind: 'voice',
          match: { prefixes: [prefix] },
          steps: [{ from: 0, price: '0.12', per: 60, first: 60, next: 60 }],
        },
      ],
    },
  ],
});

function recorded() {
  const raised: AlertInput[] = [];
  const resolved: string[] = [];
  const alerts = {
    raise: (alert: AlertInput) => void raised.push(alert),
    resolve: (rule: string, subject: string) => void resolved.push(`${rule} ${subject}`),
    flush: async () => {},
  };
  return { raised, resolved, alerts };
}

test('a record that no rule prices is told as long as it counts for nothing', async () => {
  const { raised, resolved, alerts } = recorded();
  const { contractId: id } = contract;
  await h.database.transaction(async (tx) => {
    await loadTariff(tx, tariff('4930'));
    await tx.query(`update contract set tariff_id = (select id from tariff)`);
    await ensureCycles(tx, { id, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, [cycleStart]);
    await tx.query(
      `insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category,
         b_prefix, started_at, local_start, usage_s, provider_amount_e8)
       values ($1, $2, 1, 2, 'a', 1, '31612345678', 'voice', 'national-mobile', '3161234', '2026-03-02T12:00:00Z',
         '2026-03-02 13:00:00', 60, 0)`,
      [id, cycleStart],
    );
  });
  const definition = recalculation(compute, alerts);
  h.engine([definition]);
  const recalculate = async () => {
    const input = { contractId: id, cycleStart, requestedBy: 'test' };
    const { chainId } = await h.enqueueWith([definition])(h.database, definition, input);
    await h.chainUntil(chainId, isState('succeeded'), 20_000);
  };
  await recalculate();
  assert.deepEqual(
    raised.map(({ rule, subject, message }) => `${rule} ${subject}: ${message.slice(0, 14)}`),
    [`totals.unrated C001/0000000101/${cycleStart}: 1 of 1 records`],
  );
  await h.database.transaction((tx) => loadTariff(tx, tariff('316')));
  await recalculate();
  assert.deepEqual(resolved, [`totals.unrated C001/0000000101/${cycleStart}`]);
});

test('the alert of an unknown call code ends when a contract has no record of one any more, and no other account is asked', async () => {
  const { resolved, alerts } = recorded();
  const { contractId, profileId } = contract;
  for (const account of ['0000000101', '0000000102']) {
    const subject = unknownCodeSubject(`C001/${account}`, '9998');
    await raiseRow(h.database, { rule: unknownCodeRule, subject, level: 'warning', message: 'it is unknown' }, 1);
  }
  const definition = chain('rate-only', syncInput).step('rate', rateStale(compute, alerts));
  h.engine([definition]);
  const rateWith = async (category: string) => {
    await h.database.query('update cdr set category = $1', [category]);
    await h.database.query('update cycle set revision = revision + 1');
    const input = { syncTaskId: '1', profileId, contractId, force: false };
    const { chainId } = await h.enqueueWith([definition])(h.database, definition, input);
    await h.chainUntil(chainId, isState('succeeded'), 20_000);
    return resolved.filter((one) => one.startsWith(unknownCodeRule));
  };
  assert.deepEqual(await rateWith('unknown'), []);
  assert.deepEqual(await rateWith('national-mobile'), [`${unknownCodeRule} C001/0000000101 code 9998`]);
});
