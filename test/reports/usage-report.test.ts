import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database, ReadSession } from '../../src/database/session.ts';
import { streamUsageReport } from '../../src/reports/stream-report.ts';
import type { UsageReportQuery } from '../../src/reports/usage-report.ts';
import { publish } from '../alert-rules/published.ts';
import { makeContract, makeFile, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const cycle = '2026-03-01';
const page = readFileSync(new URL('../../docs/reports.md', import.meta.url), 'utf8');

describe('the usage report', () => {
  let server: TestDatabase;
  let database: Database;
  let contract: TestContract;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    contract = await makeContract(database);
    await publish(database, contract, cycle, [
      { msisdn: '31611111111', category: 'national-mobile', eur: 10.1234 },
      { msisdn: '31611111111', category: 'data-world', eur: 2.5, octets: 5_000_000 },
      { msisdn: '31622222222', category: 'national-mobile', eur: 0.005 },
      { msisdn: '31622222222', category: 'credit', eur: -1.5 },
    ]);
    await database.query(
      `update subscription set cost_centre = case msisdn when '31611111111' then 'sales; north' else '=1+1' end, employee = '@Jansen'`,
    );
    await records([
      ['21', 10.1234],
      ['21', 2.5],
      ['21', 0.005],
      ['00', -1.5],
    ]);
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  /** The records behind the totals, as far as VAT asks for them. */
  async function records(lines: readonly (readonly [code: string | null, eur: number])[]): Promise<void> {
    const { rawFileId } = await makeFile(database, contract, 1);
    await database.query('select ensure_cycle_partition($1::date)', [cycle]);
    for (const [index, [code, eur]] of lines.entries()) {
      const [cdr] = await database.query<{ id: string }>(
        `insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category,
           vat_code, started_at, local_start, provider_amount_e8)
         values ($1, $2, $3, $4, $5, 1, '31611111111', 'voice', 'national-mobile', $6, now(), now(), 1) returning id`,
        [contract.contractId, cycle, rawFileId, index + 2, Buffer.from(`r${index}`), code],
      );
      await database.query(
        `insert into rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id, billed_usage, amount_e8, status)
         select $1, $2, rating_run_id, $3, 60, $4, 'rated' from total_generation where contract_id = $1 and state = 'current'`,
        [contract.contractId, cycle, cdr!.id, Math.round(eur * 1e8)],
      );
    }
  }

  const query = (over: Partial<UsageReportQuery> = {}): UsageReportQuery => ({
    customer: 'C001',
    cycle,
    by: 'line',
    numbers: false,
    ...over,
  });
  const csv = async (over: Partial<UsageReportQuery> = {}) =>
    text((await streamUsageReport(database, query(over), 'csv')).body);
  /** Some columns of the rows after the head. */
  const cells = (report: string, names: readonly string[]) => {
    const [head, ...lines] = report
      .trim()
      .split('\r\n')
      .map((line) => line.split(','));
    return lines.map((line) => names.map((name) => line[head!.indexOf(name)]).join(' '));
  };

  test('the example of docs/reports.md is what it says, and its columns are those of the table', async () => {
    const [, example] = /```csv\n([\s\S]*?)```/.exec(page)!;
    assert.equal((await csv()).replaceAll('\r\n', '\n'), example);
    const columns = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name!);
    assert.deepEqual(example!.split('\n')[0]!.split(','), columns);
  });

  test('JSON has the same columns and the same decimals as text', async () => {
    const rows = JSON.parse(await text((await streamUsageReport(database, query(), 'json')).body));
    const columns = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name!);
    assert.ok(rows.every((row: object) => Object.keys(row).join() === columns.join()));
    assert.deepEqual(
      rows.map((row: Record<string, string>) => `${row.row} ${row.net_eur} ${row.vat_eur}`),
      cells(await csv(), ['row', 'net_eur', 'vat_eur']).map((line) => line.replace(/ $/, ' null')),
    );
    assert.equal(rows.at(-1).unrated, '0');
    assert.equal(rows[0].cost_centre, 'sales; north', 'JSON needs no escaping against spreadsheets');
  });

  test('groupings add up to the same total', async () => {
    const of = async (by: UsageReportQuery['by'], name: string) =>
      cells(await csv({ by, numbers: true }), ['row', name, 'records', 'net_eur']).filter((line) =>
        line.startsWith('usage'),
      );
    assert.deepEqual(await of('subscription', 'subscription'), [
      'usage 31611111111 2 12.6234',
      'usage 31622222222 2 -1.4950',
    ]);
    assert.deepEqual(await of('cost-centre', 'cost_centre'), ["usage '=1+1 2 -1.4950", 'usage sales; north 2 12.6234']);
    assert.deepEqual(await of('category', 'category'), [
      'usage credit 1 -1.5000',
      'usage data-world 1 2.5000',
      'usage national-mobile 2 10.1284',
    ]);
    for (const by of ['line', 'subscription', 'cost-centre', 'category'] as const) {
      assert.equal(
        cells(await csv({ by }), ['row', 'records', 'net_eur', 'vat_eur']).at(-1),
        'total 4 11.1284 2.65',
        by,
      );
    }
  });

  test('numbers are masked unless they are asked for', async () => {
    assert.ok(!(await csv()).includes('31611111111'));
    assert.ok((await csv({ numbers: true })).includes('31611111111'));
  });

  test('what no VAT code is known of is a row without one, and its total tells no VAT', async () => {
    await database.query(`update cdr set vat_code = 'X7' where contract_id = $1 and line_no = 2`, [
      contract.contractId,
    ]);
    const rows = async () => cells(await csv({ by: 'category' }), ['row', 'vat_code', 'net_eur', 'vat_eur']).slice(3);
    assert.deepEqual(await rows(), ['vat 00 -1.5000 0.00', 'vat 21 2.5050 0.53', 'vat X7 10.1234 ', 'total  11.1284 ']);
    // past their retention
    await database.query('delete from rated_cdr where contract_id = $1', [contract.contractId]);
    assert.deepEqual(await rows(), ['vat  11.1284 ', 'total  11.1284 ']);
  });

  test('a cycle without totals is refused before anything is written', async () => {
    await assert.rejects(
      streamUsageReport(database, query({ cycle: '2026-04-01' }), 'csv'),
      /customer C001 has no totals of cycle 2026-04-01; see: linekeeper totals show/,
    );
  });

  describe('of 100,000 rows', () => {
    let fetches = 0;
    /** Counts what is fetched; `failAt`: the fetch that fails. */
    const watched = (failAt = Infinity): Pick<Database, 'read'> => ({
      read: (work, options) =>
        database.read(
          (session) =>
            work({
              ...session,
              query: (async (statement: string, values?: readonly unknown[]) => {
                if (statement.startsWith('fetch')) fetches += 1;
                if (fetches >= failAt) throw new Error('the database went away');
                return session.query(statement, values);
              }) as ReadSession['query'],
            }),
          options,
        ),
    });

    before(async () => {
      await database.query(
        `insert into total_usage select contract_id, customer_id, cycle_start, generation, null, (31620000000 + n)::text, 'sms',
           1, 0, 0, 0, 1, 1000000, 0 from total_generation, generate_series(1, 100000) n where state = 'current'`,
      );
    });

    test('it is read as fast as it is taken, and no faster', async () => {
      fetches = 0;
      const { body } = await streamUsageReport(watched(), query(), 'csv');
      const reader = body[Symbol.asyncIterator]();
      await reader.next();
      const idle = async () => {
        const before = fetches;
        await database.query('select pg_sleep(0.05)');
        return fetches - before;
      };
      while ((await idle()) > 0);
      assert.ok(fetches <= 3, `${fetches} batches were fetched for a reader who took one piece`);
      let lines = 0;
      let longest = 0;
      for (let piece = await reader.next(); !piece.done; piece = await reader.next()) {
        longest = Math.max(longest, body.readableLength + (body as PassThrough).writableLength);
        for (const byte of piece.value as Buffer) if (byte === 10) lines += 1;
      }
      assert.ok(lines > 98_000, `${lines} lines`);
      assert.ok(fetches > 100);
      assert.ok(longest < 1_000_000, `${longest} bytes were waiting`);
    });

    test('one that fails midway breaks, and does not end', async () => {
      fetches = 0;
      const { body } = await streamUsageReport(watched(5), query(), 'csv');
      await assert.rejects(text(body), /the database went away/);
    });

    test('a reader who goes away, or takes nothing, frees the session', async () => {
      const sessions = async () => database.status().total - database.status().idle;
      const { body } = await streamUsageReport(database, query(), 'csv');
      body.destroy();
      while ((await sessions()) > 0) await database.query('select pg_sleep(0.01)');
      const stalled = await streamUsageReport(database, query(), 'csv', 20);
      await assert.rejects(
        new Promise((_resolve, reject) => stalled.body.once('error', reject)),
        /aborted due to timeout|The operation was aborted/,
      );
    });
  });
});
