import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type LookResult, lookAtSwaps, lookByClock } from '../../src/alert-rules/evaluate.ts';
import type { Holding } from '../../src/alert-rules/holding.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { makeContract, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { publish, type UsageRow } from './published.ts';

const march = '2026-03-01';
const one = '31611111111';

describe('the alert rules', () => {
  let server: TestDatabase;
  let database: Database;
  let contract: TestContract & { code: string };
  let contracts = 0;
  let raised: string[] = [];
  const alerts = {
    raise: (alert: { rule: string; message: string }) => void raised.push(`${alert.rule} ${alert.message}`),
    resolve: (rule: string) => void raised.push(`resolved ${rule}`),
  };

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
  });
  after(async () => {
    await database.close();
    await server.close();
  });
  beforeEach(async () => {
    contracts += 1;
    raised = [];
    const code = `A${contracts}`;
    contract = { ...(await makeContract(database, code, String(contracts).padStart(10, '0'))), code };
    await database.query('update customer set active = (id = $1)', [contract.customerId]);
  });

  /** Until nothing is due. */
  async function look(): Promise<Omit<LookResult, 'more'>> {
    const raisedNow: Holding[] = [];
    let [cycles, resolved] = [0, 0];
    for (let more = true; more; ) {
      const one = await lookAtSwaps(database, alerts);
      raisedNow.push(...one.raised);
      cycles += one.cycles;
      resolved += one.resolved;
      more = one.more;
    }
    return { cycles, raised: raisedNow, resolved };
  }
  const swap = (rows: readonly UsageRow[], cycle = march, at?: string) => publish(database, contract, cycle, rows, at);

  /** `state rule level`, in the order in which they were raised. */
  async function told(): Promise<string[]> {
    const rows = await database.query<{ line: string }>(
      `select concat_ws(' ', state, rule, regexp_replace(subject, '^.* (\\d{4}-\\d\\d-\\d\\d)', '\\1')) as line
       from alert where subject like $1 order by id`,
      [`${contract.code}%`],
    );
    return rows.map((row) => row.line);
  }

  test('each level of an amount is one alert, raised by the swap that reaches it and resolved by the one that falls below', async () => {
    await swap([{ msisdn: one, category: 'international', eur: 26 }]);
    await look();
    assert.deepEqual(await told(), [`open usage.out-of-bundle ${march} 25 EUR`]);
    await swap([{ msisdn: one, category: 'international', eur: 60 }]);
    await look();
    assert.deepEqual((await told()).slice(1), [`open usage.out-of-bundle ${march} 50 EUR`]);
    const [kept] = await database.query(`select message, occurrences from alert where subject like $1 order by id`, [
      `${contract.code}/%`,
    ]);
    assert.match(kept!.message, /^subscription 3161111\*\*\*\* of .* used 60\.0000 EUR beyond its bundles/);
    assert.equal(kept!.occurrences, 1);
    await swap([{ msisdn: one, category: 'international', eur: 10 }]);
    assert.equal((await look()).resolved, 2);
    assert.ok((await told()).every((line) => line.startsWith('resolved')));
  });

  test('what a provider states itself is not beyond a bundle', async () => {
    await swap([{ msisdn: one, category: 'recurring', eur: 500 }]);
    await look();
    assert.deepEqual(await told(), []);
  });

  test('the same totals never raise twice, not even after a person resolved the alert', async () => {
    const rows = [{ msisdn: one, category: 'international', eur: 26 }];
    await swap(rows);
    await look();
    await database.query(`update alert set state = 'resolved' where subject like $1`, [`${contract.code}%`]);
    await swap(rows);
    assert.deepEqual((await look()).raised, []);
    assert.deepEqual(await told(), [`resolved usage.out-of-bundle ${march} 25 EUR`]);
    await swap([]);
    await look();
    await swap(rows);
    assert.equal((await look()).raised.length, 1, 'what was over and begins anew is told anew');
  });

  test('a generation that is restored is looked at again', async () => {
    const first = await swap([{ msisdn: one, category: 'international', eur: 30 }]);
    await swap([{ msisdn: one, category: 'international', eur: 1 }]);
    await look();
    assert.deepEqual(await told(), []);
    await database.transaction(async (tx) => {
      const key = [contract.contractId, first];
      await tx.query(`update total_generation set state = 'backup' where contract_id = $1 and generation <> $2`, key);
      await tx.query(`update total_generation set state = 'current' where contract_id = $1 and generation = $2`, key);
    });
    await look();
    assert.deepEqual(await told(), [`open usage.out-of-bundle ${march} 25 EUR`]);
  });

  /** The server may need a moment to notice that a session's process is gone, and holds its lock as long. */
  async function untilTaken(): Promise<void> {
    while ((await look()).cycles === 0);
  }

  test('a process that is killed while it looks loses no swap, and what it had begun is not told twice', async () => {
    await swap([{ msisdn: one, category: 'international', eur: 30 }]);
    const dying = spawn(process.execPath, [join(import.meta.dirname, 'dying-look.ts'), server.url], {
      stdio: 'ignore',
    });
    const [, signal] = await once(dying, 'exit');
    assert.equal(signal, 'SIGKILL');
    assert.deepEqual(await told(), []);
    await untilTaken();
    assert.deepEqual(await told(), [`open usage.out-of-bundle ${march} 25 EUR`]);
    assert.equal((await look()).cycles, 0);
  });

  test('two nodes that look at once raise once', async () => {
    await swap([{ msisdn: one, category: 'international', eur: 30 }]);
    const looks = await Promise.all([look(), look(), look()]);
    assert.equal(looks.reduce((sum, { cycles }) => sum + cycles, 0) + (await look()).cycles, 1);
    assert.equal((await told()).length, 1);
  });

  test('one customer whose look fails holds up no other, and is looked at again', async () => {
    await swap([{ msisdn: one, category: 'international', eur: 30 }]);
    await database.query(`insert into alert_rule (scope, type, params) values ($1, 'usage.spike', '{"factor":"x"}')`, [
      `customer:${contract.code}`,
    ]);
    await look();
    assert.match(raised.join(), /alert-rules\.failed the alert rules could not look at contract \d+ cycle 2026-03-01/);
    assert.equal((await look()).cycles, 0);
    await database.query('delete from alert_rule where scope = $1', [`customer:${contract.code}`]);
    await database.query('update alert_due set retry_at = now()');
    await look();
    assert.equal(raised.at(-1), 'resolved alert-rules.failed');
    assert.equal((await told()).length, 1);
  });

  test('a customer as a whole is told of once for all its contracts', async () => {
    const [other] = await database.query<{ id: string }>(
      `insert into contract (customer_id, provider, account_no, cycle_day) values ($1, 'T_MOBILE', '7', 15) returning id`,
      [contract.customerId],
    );
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ msisdn: `3161000000${i}`, category: 'sms', eur: 20 }));
    await swap(many(9));
    await publish(database, { ...contract, contractId: other!.id }, '2026-03-15', many(4));
    await look();
    assert.deepEqual(await told(), [`open usage.out-of-bundle-customer ${march} 250 EUR`]);
    await swap(many(2));
    await look();
    assert.match((await told()).join(), /^resolved/);
  });

  test('a narrower rule decides, also when it switches one off', async () => {
    const scope = `contract:${contract.code}/KPN/${String(contracts).padStart(10, '0')}`;
    const rule = 'insert into alert_rule (scope, type, params, enabled) values ($1, $2, $3, $4)';
    await database.query(rule, [`customer:${contract.code}`, 'usage.out-of-bundle', '{"levelsEur":["7.50"]}', true]);
    await database.query(rule, [scope, 'usage.roaming-data', '{}', false]);
    await swap([{ msisdn: one, category: 'data-world', eur: 8, octets: 5_000_000 }]);
    await look();
    assert.deepEqual(await told(), [`open usage.out-of-bundle ${march} 7.50 EUR`]);
  });

  test('data outside the EU is told from the first megabyte', async () => {
    await swap([{ msisdn: one, category: 'data-world', octets: 999_999 }]);
    await look();
    assert.deepEqual(await told(), []);
    await swap([{ msisdn: one, category: 'data-world', octets: 1_000_000 }]);
    await look();
    assert.deepEqual(await told(), [`open usage.roaming-data ${march} 1 MB`]);
  });

  test('an allowance and its fair-use volume are told at 80 and 100 percent, a shared one for all', async () => {
    await database.query(`insert into subscription (contract_id, msisdn, source) values ($1, $2, 'manual')`, [
      contract.contractId,
      one,
    ]);
    const allowance = async (name: string, shared: boolean) => {
      const [row] = await database.query<{ id: string }>(
        `insert into allowance (contract_id, name, kind, amount, shared, priority, scope, valid)
         values ($1, $2, 'data', 1000, $3, 0, '{}', daterange(null, null)) returning id`,
        [contract.contractId, name, shared],
      );
      return row!.id;
    };
    const [shared, own] = [await allowance('all', true), await allowance('own', false)];
    const use = async (all: number, single: number, fair: number, fairLimit = 500) => {
      await swap([]);
      await database.query(
        `insert into allowance_usage select g.contract_id, g.cycle_start, g.rating_run_id, v.* from total_generation g,
           (values ($2::bigint, '', 1000, $4::bigint, null::bigint, 0::bigint), ($3, $6, 1000, $5, $8, $7)) v
         where g.contract_id = $1 and g.state = 'current'`,
        [contract.contractId, shared, own, all, single, one, fair, fairLimit],
      );
      await look();
      return (
        await database.query<{ line: string }>(
          `select concat_ws(' ', rule, substring(subject from '(?:subscription [0-9]+ )?allowance.*')) as line from alert
         where state = 'open' and subject like $1 order by line`,
          [`${contract.code}/%`],
        )
      ).map(({ line }) => line.replace(/\d+ a/, 'N a'));
    };
    assert.deepEqual(await use(799, 799, 399), []);
    assert.deepEqual(await use(800, 1_000, 400), [
      `usage.allowance allowance all ${march} 80 %`,
      `usage.allowance subscription N allowance own ${march} 100 %`,
      `usage.allowance subscription N allowance own ${march} 80 %`,
      `usage.fair-use subscription N allowance own ${march} 80 %`,
    ]);
    assert.deepEqual(await use(700, 799, 500), [
      `usage.fair-use subscription N allowance own ${march} 100 %`,
      `usage.fair-use subscription N allowance own ${march} 80 %`,
    ]);
    // a bundle for nothing has no fair-use volume, of which nothing is a percent
    assert.deepEqual(await use(800, 799, 0, 0), [`usage.allowance allowance all ${march} 80 %`]);
    assert.deepEqual(raised, []);
  });

  test('a forecast tells what a cycle will come to, by local days, and ends when it has come', async () => {
    const used = [{ msisdn: one, category: 'international', eur: 20 }];
    await swap(used, march, '2026-03-06T12:00:00Z');
    await look();
    assert.deepEqual(await told(), [`open usage.forecast ${march} 100 EUR`]);
    const [{ message }] = (await database.query('select message from alert where subject like $1', [
      `${contract.code}%`,
    ])) as [{ message: string }];
    // 20 EUR in 6 of 31 days
    assert.match(message, /used 20\.0000 EUR beyond its bundles until 2026-03-06; .* it will be 103\.3300 EUR/);
    await swap(used, march, '2026-03-07T12:00:00Z');
    await look();
    assert.deepEqual(await told(), [`resolved usage.forecast ${march} 100 EUR`]);
  });

  test('a spike is more than three times the median of three cycles, and more than 20 EUR over it', async () => {
    for (const [cycle, eur] of [
      ['2026-01-01', 4],
      ['2026-02-01', 22],
      [march, 8],
    ] as const) {
      await swap([{ msisdn: one, category: 'international', eur }], cycle);
    }
    const april = async (eur: number) => {
      await swap([{ msisdn: one, category: 'international', eur }], '2026-04-01');
      await look();
      return (await told()).filter((line) => line.startsWith('open usage.spike'));
    };
    assert.deepEqual(await april(28), [], 'median 8 + 20 is not passed');
    assert.deepEqual(await april(28.01), ['open usage.spike 2026-04-01 3 x']);
    await swap([{ msisdn: one, category: 'international', eur: 11 }], march);
    assert.deepEqual(await april(33), [], 'three times the median of 11 is not passed');
    assert.deepEqual(await april(33.01), ['open usage.spike 2026-04-01 3 x']);
    await database.query(`update subscription set first_seen = '2026-02-10' where contract_id = $1`, [
      contract.contractId,
    ]);
    assert.deepEqual(await april(50), [], 'who is new has no habits');
  });

  test('numbers that nobody told us of are one alert, and another when there are more', async () => {
    await swap([{ msisdn: one, category: 'sms' }]);
    await database.query(`update subscription set source = 'discovered' where contract_id = $1`, [contract.contractId]);
    await look();
    assert.deepEqual(await told(), [`open subscription.unknown ${march} 1 numbers`]);
    await database.query(
      `insert into subscription (contract_id, msisdn, source) values ($1, '31622222222', 'discovered')`,
      [contract.contractId],
    );
    await swap([
      { msisdn: one, category: 'sms' },
      { msisdn: '31622222222', category: 'sms' },
    ]);
    await look();
    assert.deepEqual(await told(), [
      `resolved subscription.unknown ${march} 1 numbers`,
      `open subscription.unknown ${march} 2 numbers`,
    ]);
  });

  test('three cycles without usage are told when the third has ended', async () => {
    const silent = { msisdn: '31633333333', category: 'recurring', eur: 5 };
    for (const cycle of ['2026-01-01', '2026-02-01', march]) {
      await swap([{ msisdn: one, category: 'sms' }, silent], cycle, '2026-03-20T00:00:00Z');
    }
    await look();
    assert.deepEqual(await told(), []);
    await swap([{ msisdn: one, category: 'sms' }, silent], march, '2026-04-02T00:00:00Z');
    await look();
    assert.deepEqual(await told(), [`open subscription.zero-usage ${march} 1 numbers`]);
  });

  test('a cycle that closes without a last swap is looked at once more', async () => {
    const silent = { msisdn: '31633333333', category: 'recurring', eur: 5 };
    for (const cycle of ['2026-01-01', '2026-02-01', march]) {
      await swap([{ msisdn: one, category: 'sms' }, silent], cycle, '2026-03-20T00:00:00Z');
    }
    await look();
    await database.query(`update cycle set state = 'closed' where contract_id = $1 and cycle_start = $2`, [
      contract.contractId,
      march,
    ]);
    await look();
    await lookByClock(database, alerts);
    assert.deepEqual(await told(), [`open subscription.zero-usage ${march} 1 numbers`]);
  });

  test('alerts of a cycle that is closed end, and its totals do not raise them again', async () => {
    await swap([{ msisdn: one, category: 'international', eur: 26 }]);
    await look();
    await database.query(`update cycle set state = 'closed' where contract_id = $1`, [contract.contractId]);
    await lookByClock(database, alerts);
    assert.deepEqual(await told(), [`resolved usage.out-of-bundle ${march} 25 EUR`]);
    await swap([{ msisdn: one, category: 'international', eur: 26 }]);
    await look();
    assert.equal((await told()).length, 1);
  });
});
