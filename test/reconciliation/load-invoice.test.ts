import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { listInvoices, showInvoice } from '../../src/reconciliation/invoices.ts';
import { loadInvoice } from '../../src/reconciliation/load-invoice.ts';
import { makeContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const page = readFileSync(new URL('../../docs/reconciliation.md', import.meta.url), 'utf8');
const json = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)![1]!);
const csv = /```csv\n([\s\S]*?)```/.exec(page)![1]!;
// biome-ignore lint/suspicious/noExplicitAny: a document is whatever somebody wrote
type Document = any;

describe('loading invoices', () => {
  let server: TestDatabase;
  let database: Database;

  const load = (document: unknown, over: { csv?: boolean; replace?: boolean; force?: boolean } = {}) =>
    database.transaction((tx) => loadInvoice(tx, { document, replace: false, force: false, by: 'anna', ...over }));
  const changed = (change: (document: Document) => void, from: Document = json) => {
    const document = structuredClone(from);
    change(document);
    return document;
  };

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    await makeContract(database);
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  test('the example of docs/reconciliation.md is stored once, be it JSON or CSV', async () => {
    const loaded = await load(json);
    assert.deepEqual(loaded, {
      invoice: '2026-0017',
      kind: 'invoice',
      customer: 'C001',
      account: '0000000101',
      cycle: '2026-03-01',
      lines: 3,
      net: '23.85',
      version: 1,
      stored: true,
    });
    assert.equal((await load(json)).stored, false);
    assert.equal((await load(csv, { csv: true })).stored, false);
    const otherwise = changed((document) => {
      document.account = '101';
      document.lines[1].net = '12.50';
      document.total.net = '23.8500';
    });
    assert.equal((await load(otherwise)).stored, false);
    const [invoice, ...none] = await showInvoice(database, { customer: 'C001', number: '2026-0017' });
    assert.equal(none.length, 0);
    assert.deepEqual(
      invoice!.lines.map((line) => [line.msisdn, line.category, line.netE8, line.periodFrom, line.periodTo]),
      [
        ['31612345678', 'national-mobile', '1234560000', '2026-03-01', '2026-03-31'],
        ['31687654321', 'recurring', '1250000000', '2026-04-01', '2026-04-30'],
        [null, 'credit', '-100000000', '2026-02-01', '2026-02-28'],
      ],
    );
  });

  test('other content under the same number is refused with the way out, and replaces as the next version', async () => {
    const other = changed((document) => {
      document.lines[1].description = 'Abonnement plus';
    });
    await assert.rejects(
      load(other),
      /was loaded on .* by anna with other content .* load it with --replace: it becomes version 2/,
    );
    assert.equal((await load(other, { replace: true })).version, 2);
    const listed = await listInvoices(database, { customer: 'C001', limit: 10 });
    assert.deepEqual(
      listed.map(({ number, version, state }) => [number, version, state]),
      [
        ['2026-0017', 2, 'current'],
        ['2026-0017', 1, 'replaced'],
      ],
    );
  });

  test('a credit note belongs to the cycles of the invoice that it refers to, which must be there', async () => {
    const note = changed((document) => {
      document.number = 'C1';
      document.kind = 'credit_note';
      document.refersTo = '2026-0017';
      document.period = { from: '2026-05-02', to: '2026-05-09' };
      document.feesPeriod = undefined;
      document.lines = [
        { line: 1, msisdn: '31687654321', category: 'recurring', correctsLine: 2, net: '-12.5', vatCode: '21' },
        { line: 2, category: 'credit', net: '0.00', vatCode: '21' },
      ];
      document.vat = [{ code: '21', net: '-12.5', vat: '-2.63' }];
      document.total = { net: '-12.5', vat: '-2.63', gross: '-15.13' };
    });
    assert.equal((await load(note)).cycle, '2026-03-01');
    const unknown = changed((document) => {
      document.number = 'C2';
      document.refersTo = '17';
    }, note);
    await assert.rejects(load(unknown), /credit note C2 refers to invoice 17, which account 0000000101 does not have/);
    const positive = changed((document) => {
      document.lines[0].net = '12.5';
    }, note);
    await assert.rejects(load(positive), /lines\[0\]\.net: "12\.5" lines of a credit note are negative/);
  });

  test('what does not fit itself is refused with every problem and its place', async () => {
    const cases: [(document: Document) => void, RegExp][] = [
      [
        (document) => {
          document.date = '0000-01-01';
        },
        /date: "0000-01-01" must be a date such as 2026-04-03, from 1970 on/,
      ],
      [
        (d) => (d.lines[0].net = '123456'),
        /total\.net: "23\.85" the lines add up to 123467\.50; look for swapped points/,
      ],
      [(d) => (d.vat[0].net = '2485'), /vat\[0\]\.net: "2485" the lines add up to 24\.8456/],
      [(d) => (d.total.gross = '29.08'), /total\.gross: "29\.08" is not 23\.85 \+ 5\.22/],
      [(d) => (d.lines[1].line = 1), /lines\[1\]\.line: 1 stands twice/],
      [(d) => (d.lines[2].vatCode = 'X'), /lines\[2\]\.vatCode: "X" is not in the list "vat"/],
      [
        (d) => d.vat.push({ code: 'X', net: '0', vat: '0' }),
        /vat\[2\]\.percent: \(missing\) must be given; codes that need none: 0, 00, 09, 21, 9/,
      ],
      [(d) => (d.lines[0].net = '12,34'), /lines\[0\]\.net: "12,34" must be decimal text/],
      [(d) => (d.lines[0].unitprice = '1'), /lines\[0\]\.unitprice: "1" unknown key; the nearest known is "unitPrice"/],
      [(d) => (d.kind = 'credit_note'), /refersTo: \(missing\) a credit note says which invoice it corrects/],
      [(d) => (d.account = '7'), /has no contract with KPN under account 0000000007; its contracts: KPN 0000000101/],
      [
        (d) => (d.period.to = '2026-03-30'),
        /period 2026-03-01 to 2026-03-30 is no cycle .* its cycle there is 2026-03-01 to 2026-03-31/,
      ],
    ];
    for (const [change, message] of cases) await assert.rejects(load(changed(change), { replace: true }), message);
  });

  test('an amount that is ten times the totals of the cycle is asked back, and taken with --force', async () => {
    const [contract] = await database.query('select id, customer_id from contract');
    const key = [contract!.id, contract!.customer_id];
    await database.query(
      `insert into total_generation (contract_id, customer_id, cycle_start, generation, rating_run_id, state, digest, reason)
       values ($1, $2, '2026-07-01', 1, 1, 'current', '', 'test')`,
      key,
    );
    await database.query(
      `insert into total_usage (contract_id, customer_id, cycle_start, generation, msisdn, category, records, unrated, usage_s, usage_octets,
         usage_count, amount_e8, provider_amount_e8)
       values ($1, $2, '2026-07-01', 1, '31612345678', 'national-mobile', 1, 0, 60, 0, 1, 2000000000, 0)`,
      key,
    );
    const july = (net: string) =>
      changed((document) => {
        document.number = `J${net}`;
        document.period = { from: '2026-07-01', to: '2026-07-31' };
        document.feesPeriod = undefined;
        document.lines = [{ line: 1, msisdn: '31612345678', category: 'national-mobile', net, vatCode: '0' }];
        document.vat = [{ code: '0', net, vat: '0' }];
        document.total = { net, vat: '0', gross: net };
      });
    assert.equal((await load(july('190'))).stored, true);
    await assert.rejects(
      load(july('2000')),
      /net of 2000\.00 EUR, and our totals of cycle 2026-07-01 are 20\.00: look for decimal points/,
    );
    assert.equal((await load(july('2000'), { force: true })).stored, true);
  });

  test('a CSV is refused with every line and column that cannot be read, and its unknown columns are told', async () => {
    const bad = csv
      .replace('12,3456', '12.34')
      .replace(';121;', ';12x;')
      .replace('\nvat;;', '\nsum;;')
      .replace('line;;;;;', 'line;C002;;;;')
      .replace('0,12;60', '0,12;60;9');
    await assert.rejects(load(bad, { csv: true }), (error: Error) => {
      for (const message of [
        /line 2, records: 12x must be a whole number/,
        /line 2: 25 cells the first row names 24 columns/,
        /line 3, customer: C002 line 2 says C001; a file holds one invoice/,
        /line 5, row: sum must be line, vat or total/,
      ]) {
        assert.match(error.message, message);
      }
      return true;
    });
    await assert.rejects(
      load(csv.replace('12,3456', '12.34'), { csv: true }),
      /line 2, net: 12\.34 must be a number such as 1\.234,56/,
    );
    await assert.rejects(
      load(csv.replace('12,3456', '1234,56'), { csv: true }),
      /total\.net: "23\.85" the lines add up to/,
    );
    await assert.rejects(
      load(csv.replace(';net;', ';nett;'), { csv: true }),
      /line 1, net: \(missing\) must be columns of the first row/,
    );
    await assert.rejects(
      load(csv.replace(';description;', ';Net;'), { csv: true }),
      /line 1, net: \(a column\) stands twice in the first row/,
    );
    const withoutTotal = csv.split('\n').filter((row) => !row.startsWith('total'));
    await assert.rejects(load(withoutTotal.join('\n'), { csv: true }), /row: \(missing\) the row total is not there/);
    const more = csv.split('\n').map((row, index) => (row === '' ? '' : `${row};${index === 0 ? 'colour' : 'red'}`));
    assert.deepEqual((await load(more.join('\n').replaceAll('2026-0017', 'N1'), { csv: true })).ignoredColumns, [
      'colour',
    ]);
    const lines = csv.replace('31612345678', '0612345678').replaceAll('2026-0017', 'N2');
    await assert.rejects(load(lines, { csv: true }), /line 2, msisdn: "0612345678" must be E\.164 digits/);
  });
});
