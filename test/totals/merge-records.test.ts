import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import { mergeRecords } from '../../src/totals/merge-records.ts';
import { makeContract, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { type Line, spoolFile } from './spool-lines.ts';

describe('merging records', () => {
  let server: TestDatabase;
  let database: Database;
  let directory: string;
  let nextContract = 0;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    directory = await mkdtemp(join(tmpdir(), 'merge-'));
  });
  after(async () => {
    await database.close();
    await server.close();
    await rm(directory, { recursive: true });
  });

  async function contractOf(): Promise<TestContract> {
    nextContract += 1;
    return makeContract(database, `C${nextContract}`);
  }

  async function deliver(
    contract: TestContract,
    seq: number,
    lines: readonly Line[],
    version = 1,
  ): Promise<readonly string[]> {
    const file = await spoolFile(database, directory, contract, { seq, lines, version });
    return database.transaction(async (tx) => {
      const cycles = { id: contract.contractId, cycleDay: 1, timeZone: 'Europe/Amsterdam' };
      await ensureCycles(tx, cycles, ['2026-03-01', '2026-04-01']);
      return mergeRecords(tx, contract.contractId, [file]);
    });
  }

  async function active(contract: TestContract): Promise<string[]> {
    const rows = await database.query<{ it: string }>(
      `select convert_from(record_key, 'UTF8') || '=' || content_hash || ' v' || version as it
       from cdr where contract_id = $1 and state = 'active' order by 1`,
      [contract.contractId],
    );
    return rows.map((row) => row.it);
  }

  test('new records become version 1 and touch their cycles', async () => {
    const contract = await contractOf();
    const touched = await deliver(contract, 1, [
      { id: 'a', content: 1 },
      { id: 'b', content: 2, cycle: '2026-03-01' },
    ]);
    assert.deepEqual(touched, ['2026-03-01', '2026-04-01']);
    assert.deepEqual(await active(contract), ['a=1 v1', 'b=2 v1']);
    const [late] = await database.query('select count(*)::int as n from cdr where contract_id = $1 and late', [
      contract.contractId,
    ]);
    assert.equal(late!.n, 1);
  });

  test('the same record in a later file changes nothing and touches no cycle', async () => {
    const contract = await contractOf();
    await deliver(contract, 1, [{ id: 'a', content: 1 }]);
    assert.deepEqual(await deliver(contract, 2, [{ id: 'a', content: 1 }]), []);
    assert.deepEqual(await active(contract), ['a=1 v1']);
  });

  test('a record of an unknown call code is replaced by the same bytes when the code is known, once', async () => {
    const contract = await contractOf();
    const unknown = { category: 'unknown' };
    const before: Line[] = [
      { id: 'a', content: 1, ...unknown },
      { id: 'b', content: 2, ...unknown },
      { id: 'x', content: 7, correction: 'C', original: 'b', ...unknown },
      { id: 'p', content: 3, provider: 2, ...unknown },
    ];
    await deliver(contract, 1, before);
    assert.deepEqual(await deliver(contract, 2, before), []);
    const outdated = { id: 'p', content: 4, provider: 1 };
    assert.deepEqual(await deliver(contract, 3, [outdated]), []);
    const after = before.map((line) => ({ ...line, category: 'premium' }));
    assert.deepEqual(await deliver(contract, 4, after), ['2026-04-01']);
    assert.deepEqual(await active(contract), ['a=1 v2', 'b=7 v3', 'p=3 v2']);
    assert.deepEqual(await deliver(contract, 5, after), []);
    assert.deepEqual(await deliver(contract, 6, before), []);
  });

  test('a correction supersedes its original, also in the same file', async () => {
    const contract = await contractOf();
    await deliver(contract, 1, [
      { id: 'a', content: 1 },
      { id: 'x', content: 7, correction: 'C', original: 'a' },
    ]);
    assert.deepEqual(await active(contract), ['a=7 v2']);
  });

  test('of several corrections of one record in a file the last one counts', async () => {
    const contract = await contractOf();
    await deliver(contract, 1, [{ id: 'a', content: 1 }]);
    await deliver(contract, 2, [
      { id: 'x', content: 7, correction: 'C', original: 'a' },
      { id: 'y', content: 8, correction: 'C', original: 'a' },
    ]);
    assert.deepEqual(await active(contract), ['a=8 v3']);
  });

  test('an original that arrives after its correction stays out', async () => {
    const contract = await contractOf();
    await deliver(contract, 1, [{ id: 'x', content: 7, correction: 'C', original: 'a' }]);
    assert.deepEqual(await deliver(contract, 2, [{ id: 'a', content: 1 }]), []);
    assert.deepEqual(await active(contract), ['a=7 v1']);
  });

  test('of a record whose versions the provider numbers the highest counts, in whatever order they come', async () => {
    const versions: Line[] = [
      { id: 'a', content: 1, provider: 1 },
      { id: 'a', content: 2, provider: 2 },
      { id: 'a', content: 3, provider: 3, correction: 'D', original: 'a' },
    ];
    const orders = [[0], [0, 1], [1, 0], [1, 0, 1], [0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]];
    for (const order of orders) {
      const contract = await contractOf();
      for (const [seq, index] of order.entries()) await deliver(contract, seq + 1, [versions[index]!]);
      const expected = order.includes(2) ? [] : [`a=${Math.max(...order) + 1}`];
      assert.deepEqual(
        (await active(contract)).map((it) => it.slice(0, 3)),
        expected,
        order.join(', '),
      );
    }
    const contract = await contractOf();
    await deliver(contract, 1, [versions[2]!]);
    await deliver(contract, 2, [{ id: 'a', content: 4, provider: 4 }]);
    assert.deepEqual(await active(contract), ['a=4 v2'], 'a higher version undoes a cancellation');
    await deliver(contract, 3, [versions[2]!]);
    assert.deepEqual(await active(contract), ['a=4 v2'], 'and an older cancellation is passed over');
  });

  test('a cancellation cancels, and keeps an original out that comes later', async () => {
    const contract = await contractOf();
    await deliver(contract, 1, [{ id: 'a', content: 1 }]);
    const touched = await deliver(contract, 2, [
      { id: 'x', content: 1, correction: 'D', original: 'a' },
      { id: 'y', content: 2, correction: 'D', original: 'b' },
    ]);
    assert.deepEqual(touched, ['2026-04-01']);
    assert.deepEqual(await deliver(contract, 3, [{ id: 'b', content: 2 }]), []);
    assert.deepEqual(await active(contract), []);
  });

  test('a correction that moves a record to another cycle takes it out of the old one', async () => {
    const contract = await contractOf();
    await deliver(contract, 1, [{ id: 'a', content: 1, cycle: '2026-03-01' }]);
    const touched = await deliver(contract, 2, [{ id: 'x', content: 7, correction: 'C', original: 'a' }]);
    assert.deepEqual(touched, ['2026-03-01', '2026-04-01']);
    assert.deepEqual(await active(contract), ['a=7 v2']);
  });

  test('a re-delivery supersedes what changed, cancels what vanished and leaves the rest alone', async () => {
    const contract = await contractOf();
    const first = [
      { id: 'a', content: 1 },
      { id: 'b', content: 2 },
      { id: 'c', content: 3 },
    ];
    await deliver(contract, 1, first);
    const second = [
      { id: 'a', content: 1 },
      { id: 'b', content: 5 },
    ];
    assert.deepEqual(await deliver(contract, 1, second, 2), ['2026-04-01']);
    assert.deepEqual(await active(contract), ['a=1 v1', 'b=5 v2']);
    await deliver(contract, 1, first, 3);
    assert.deepEqual(await active(contract), ['a=1 v1', 'b=2 v3', 'c=3 v2']);
  });

  test('what vanished stays out when an older version or cancellation of it comes, and comes back whole with its own', async () => {
    for (const outdated of [
      { id: 'a', content: 3, provider: 3 },
      { id: 'x', content: 3, provider: 3, correction: 'D', original: 'a' },
    ] as const) {
      const contract = await contractOf();
      await deliver(contract, 1, [{ id: 'a', content: 5, provider: 5 }]);
      await deliver(contract, 1, [], 2);
      await deliver(contract, 2, [outdated]);
      assert.deepEqual(await active(contract), []);
      await deliver(contract, 3, [{ id: 'a', content: 5, provider: 5 }]);
      assert.deepEqual(await active(contract), ['a=5 v2']);
    }
  });

  test('nothing to merge makes no tables', async () => {
    const contract = await contractOf();
    await database.transaction(async (tx) => {
      assert.deepEqual(await mergeRecords(tx, contract.contractId, []), []);
      const [made] = await tx.query(`select to_regclass('pg_temp.cdr_touched') is null as none`);
      assert.equal(made!.none, true);
    });
  });

  test('a spool file that lost rows is refused', async () => {
    const contract = await contractOf();
    const file = await spoolFile(database, directory, contract, { seq: 1, lines: [{ id: 'a', content: 1 }] });
    await assert.rejects(
      database.transaction((tx) => mergeRecords(tx, contract.contractId, [{ ...file, rows: 2 }])),
      /gave 1 rows, expected 2/,
    );
  });
});
