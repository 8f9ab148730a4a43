import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { readRules, rulesFor } from '../../src/alert-rules/rule-rows.ts';
import { ruleParams, ruleTypes } from '../../src/alert-rules/rule-types.ts';
import { applyRules } from '../../src/alert-rules/rules-document.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { makeContract, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { publish } from './published.ts';

let server: TestDatabase;
let database: Database;
let contract: TestContract;
const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');
const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)![1]!);
const apply = (document: unknown) => database.transaction((tx) => applyRules(tx, document));
const own = { customer: 'C001', contract: { provider: 'KPN', account: '0000000101' } };
const other = { customer: 'C002', contract: { provider: 'KPN', account: '0000000102' } };

before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test' });
  contract = await makeContract(database);
});
after(async () => {
  await database.close();
  await server.close();
});

test('every type has a row and works without configuration; docs/alerts.md has each with its default', async () => {
  const rules = await readRules(database);
  assert.deepEqual(rules.map(({ type }) => type).sort(), [...ruleTypes].sort());
  assert.ok(rules.every(({ scope, enabled }) => scope === 'default' && enabled));
  const rows = [...page.matchAll(/^\| `([a-z.-]+)` \| .+ \| (.*) \| .+ \|$/gm)];
  assert.deepEqual(
    rows.map(([, type]) => type),
    ruleTypes,
  );
  for (const [, type, written] of rows) {
    const defaults = Object.entries(ruleParams[type as keyof typeof ruleParams].parse({})).map(
      ([key, value]) => `\`${key}\` ${Array.isArray(value) ? value.join(', ') : value}`,
    );
    assert.equal(written!.replace(/ \(.*\)/, '').trim(), defaults.join(', ') || 'none', type!);
  }
});

test('the example of docs/alerts.md holds where it says, and its absence later brings the defaults back', async () => {
  await publish(database, contract, '2026-03-01', []);
  await database.query('delete from alert_due');
  assert.deepEqual(await apply(example), { rules: 3, removed: 0, cycles: 1 });
  const [due] = await database.query('select count(*)::int as n from alert_due');
  assert.equal(due!.n, 1, 'open cycles are looked at again');
  const rules = await readRules(database);
  const [mine, theirs] = [rulesFor(rules, own), rulesFor(rules, other)];
  assert.deepEqual(mine['usage.out-of-bundle'], { levelsEur: ['50', '100', '250'] });
  assert.deepEqual(mine['usage.spike'], { factor: 5, aboveEur: '20', cycles: 3 });
  assert.equal(mine['usage.premium'], undefined);
  assert.deepEqual([theirs['usage.spike']!.factor, theirs['usage.premium']], [3, {}]);
  assert.equal((await apply({ rules: [] })).removed, 3);
  assert.deepEqual(rulesFor(await readRules(database), own)['usage.out-of-bundle'], { levelsEur: ['25', '50', '100'] });
});

test('all problems of a document are told with their place, and nothing of it is stored', async () => {
  const document = {
    rules: [
      { type: 'usage.spike', params: { factor: 1, cycles: 4 } },
      { type: 'usage.out-of-bundle', params: { levelsEur: ['25', '25', '-1'] } },
      { type: 'usage.long-call', params: { hour: 3 } },
      { type: 'file.sequence-gap', enabled: false },
      { type: 'usage.spike' },
    ],
  };
  await assert.rejects(apply(document), (error: Error) => {
    for (const place of [
      /rules\[0\]\.params\.factor: 1 /,
      /rules\[0\]\.params\.cycles: 4 must be an odd number/,
      /rules\[1\]\.params\.levelsEur\[2\]: "-1" must be an amount of EUR above 0/,
      /rules\[2\]\.params\.hour: 3 unknown key; the nearest known is "hours"/,
      /rules\[3\]\.enabled: false file\.sequence-gap cannot be switched off/,
      /rules\[4\]: .* another rule of type usage\.spike has the scope all/,
    ]) {
      assert.match(error.message, place);
    }
    return true;
  });
  await assert.rejects(apply({ rules: [{ type: 'usage.shock', scope: 'C001' }] }), /must be one of usage\.allowance/);
  await assert.rejects(
    apply({ rules: [{ type: 'usage.spike', scope: 'contract:C001/KPN/7' }] }),
    /names what no customers document does: contract:C001\/KPN\/0000000007/,
  );
  assert.equal((await readRules(database)).length, ruleTypes.length);
});
