import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openComputePool } from '../../../src/compute/open-pool.ts';
import type { RateCycleArgs } from '../../../src/compute/tasks/messages.ts';
import { rateCycle } from '../../../src/compute/tasks/rate-cycle.ts';

const never = new AbortController().signal;
const peak = { id: 'nl-mobile', kind: 'voice', match: { prefixes: ['316'] }, connectFee: '0.05' };
const document = {
  validFrom: '2026-01-01T00:00:00',
  validTo: null,
  rules: [
    { ...peak, steps: [{ from: 0, price: '0.12', per: 60, first: 30, next: 6 }] },
    {
      id: 'sms',
      kind: 'sms',
      match: { categories: ['sms'] },
      steps: [{ from: 0, price: '0.10', per: 1, first: 1, next: 1 }],
    },
    {
      id: 'data',
      kind: 'data',
      match: { categories: ['data-national'] },
      steps: [{ from: 0, price: '0.01', per: 1024, first: 1024, next: 1024 }],
    },
  ],
};
const startMs = Date.parse('2026-03-10T11:00:00Z');

async function inDirectory<T>(work: (args: RateCycleArgs) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-rate-'));
  try {
    return await work({
      task: 'rate-cycle',
      recordsPath: join(directory, 'records'),
      ratedPath: join(directory, 'rated'),
      contractId: '17',
      cycleStart: '2026-03-01',
      ratingRunId: '4',
      timeZone: 'Europe/Amsterdam',
      tariff: { code: 'kpn-zakelijk', versions: [{ id: '99', document }], fallbacks: {} },
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** id, msisdn, kind, category, b_prefix, visited, start_ms, usage_s, usage_octets, usage_count, provider_amount_e8 */
const row = (...fields: (string | number)[]) => `${fields.join('\t')}\n`;

test('rates a spool row by row into the rows of rated_cdr, in the pool', () =>
  inDirectory(async (args) => {
    const voice = (id: string, seconds: number) =>
      row(id, '31612345678', 'voice', 'national-mobile', '3168765', '\\N', startMs, seconds, 0, 1, 0);
    writeFileSync(
      args.recordsPath,
      [
        voice('9007199254740993', 10),
        voice('2', 0),
        row('3', '31612345678', 'sms', 'sms', '3168765', '\\N', startMs, 0, 0, 3, 0),
        row('4', '31612345678', 'data', 'data-national', '\\N', '\\N', startMs, 60, 2049, 1, 0),
        row('5', '', 'credit', 'credit', '\\N', '\\N', startMs, 0, 0, 1, -999_999_999_990_000),
        row('6', '31612345678', 'voice', 'unknown', '3168765', '\\N', startMs, 10, 0, 1, 5),
        row('7', '31612345678', 'voice', 'international', '4917012', '\\N', startMs, 10, 0, 1, 5),
      ].join(''),
    );
    const pool = openComputePool({ threads: 1 });
    try {
      const { result } = await pool.run(args, { signal: never });
      assert.deepEqual(result, {
        records: 7,
        rated: 5,
        unrated: 2,
        excluded: 0,
        amountE8: 11_000_000n + 30_000_000n + 3_000_000n - 999_999_999_990_000n,
        unratedReasons: { 'unknown-call-code': 1, 'no-rule': 1 },
        allowances: [],
      });
    } finally {
      await pool.close();
    }
    assert.equal(
      readFileSync(args.ratedPath, 'utf8'),
      [
        row(17, '2026-03-01', 4, '9007199254740993', 99, 'nl-mobile', 30, 11_000_000, 'rated', '\\N', '\\N', '\\N'),
        row(17, '2026-03-01', 4, 2, 99, '\\N', 0, 0, 'rated', '\\N', '\\N', '\\N'),
        row(17, '2026-03-01', 4, 3, 99, 'sms', 3, 30_000_000, 'rated', '\\N', '\\N', '\\N'),
        row(17, '2026-03-01', 4, 4, 99, 'data', 3072, 3_000_000, 'rated', '\\N', '\\N', '\\N'),
        row(17, '2026-03-01', 4, 5, '\\N', '\\N', 1, -999_999_999_990_000, 'rated', '\\N', '\\N', '\\N'),
        row(17, '2026-03-01', 4, 6, '\\N', '\\N', 0, 0, 'unrated', 'unknown-call-code', '\\N', '\\N'),
        row(17, '2026-03-01', 4, 7, 99, '\\N', 0, 0, 'unrated', 'no-rule', '\\N', '\\N'),
      ].join(''),
    );
  }));

test('a sum beyond 2^53 stays exact, over chunks that cut rows anywhere', () =>
  inDirectory(async (args) => {
    const count = 20_000;
    const fee = 999_999_999_999_999;
    const rows = Array.from({ length: count }, (_, id) =>
      row(id, '316', 'recurring', 'recurring', '\\N', '\\N', startMs, 0, 0, 1, fee),
    );
    writeFileSync(args.recordsPath, rows.join(''));
    const result = await rateCycle(args, { throwIfAborted() {}, progress() {} });
    assert.equal(result.amountE8, BigInt(fee) * BigInt(count));
    assert.equal(readFileSync(args.ratedPath, 'utf8').split('\n').length, count + 1);
  }));

for (const [what, bad] of [
  ['a field too few', row('1', '316', 'voice')],
  ['a number that is none', row('1', '316', 'voice', 'x', '316', '\\N', '12x', 1, 0, 1, 0)],
  ['an end in the middle', row('1', '316', 'voice', 'x', '316', '\\N', startMs, 1, 0, 1, 0).slice(0, -1)],
] as const) {
  test(`a spool with ${what} is an error, and no rated rows are left`, () =>
    inDirectory(async (args) => {
      writeFileSync(args.recordsPath, bad);
      await assert.rejects(rateCycle(args, { throwIfAborted() {}, progress() {} }), /row 1|rating spool/);
      assert.equal(existsSync(args.ratedPath), false);
    }));
}
