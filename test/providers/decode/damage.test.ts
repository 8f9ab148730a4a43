import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kpnSp16Layout } from '../../../src/providers/kpn-sp16/spec.ts';
import type { LayoutSource } from '../../../src/providers/spec/layout-spec.ts';
import { account, calls, fileBytes, fileNameOf } from '../kpn-sp16/sp16-bytes.ts';
import { decodeBytes } from './pass-in-test.ts';

/** The same six calls in three layouts, each written by hand and told whole by its own means. */
const ids = ['a1', 'b2', 'c3', 'd4', 'e5', 'f6'];
const type = (start: object[]) => ({
  name: 'call',
  kind: 'voice' as const,
  fields: [
    { to: 'id', from: 'id', as: 'text' },
    { to: 'msisdn', from: 'who', as: 'msisdn' },
    ...start,
    { to: 'seconds', from: 'seconds', as: 'int' },
    { to: 'amount', from: 'amount', as: 'dec' },
  ],
});
const outside = {
  name: '^',
  nameShown: 'any',
  encoding: 'utf-8',
  logicalKey: ['name'],
  lineErrors: { share: 0, below: 1 },
};
const csv = {
  files: {
    ...outside,
    framing: { kind: 'csv', delimiter: ',' },
    trailer: {
      when: 'END',
      fields: [
        { to: 'records', from: 'who', as: 'digits' },
        { to: 'sum', from: 'amount', as: 'dec' },
      ],
    },
  },
  records: { types: [type([{ to: 'start', from: 'start', as: 'local', format: 'yyyy-mm-dd hh:mi:ss' }])] },
} as unknown as LayoutSource;
const json = {
  files: { ...outside, framing: { kind: 'json', items: 'items' } },
  records: { types: [type([{ to: 'start', from: 'start', as: 'iso' }])] },
} as unknown as LayoutSource;

const files: Record<string, { layout: LayoutSource; bytes: Buffer; changes: object }> = {
  fixed: {
    layout: kpnSp16Layout as LayoutSource,
    bytes: fileBytes(calls(6)),
    changes: { name: fileNameOf(), account },
  },
  csv: {
    layout: csv,
    bytes: Buffer.from(
      `id,who,start,seconds,amount\n${ids.map((id, at) => `${id},0612345678,2026-03-10 12:00:0${at},6${at},0.0${at}1\n`).join('')}END,6,,,0.156\n`,
    ),
    changes: {},
  },
  json: {
    layout: json,
    bytes: Buffer.from(
      JSON.stringify({
        items: ids.map((id, at) => ({
          id,
          who: '0612345678',
          start: `2026-03-10T12:00:0${at}Z`,
          seconds: 60 + at,
          amount: `0.0${at}1`,
        })),
        next: null,
      }),
    ),
    changes: {},
  },
};

for (const [framing, { layout, bytes, changes }] of Object.entries(files)) {
  const whole = decodeBytes(layout, bytes, bytes.length, changes);

  test(`${framing}: six calls come out of six, in chunks of any sizes`, () => {
    assert.ok(whole.ok, whole.ok ? '' : whole.problem.message);
    assert.equal(whole.rows.length, 6);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length }), (chunk) => {
        assert.deepEqual(decodeBytes(layout, bytes, chunk, changes), whole);
      }),
      { numRuns: 10 },
    );
  });

  test(`${framing}: a file that is cut anywhere is refused`, () => {
    for (let length = 0; length < bytes.length; length += framing === 'fixed' ? 23 : 5) {
      const { ok } = decodeBytes(layout, bytes.subarray(0, length), 64, changes);
      assert.equal(ok, false, `${length} of ${bytes.length} bytes were accepted`);
    }
  });

  test(`${framing}: whatever bytes are changed, no row is lost or added without a word`, () => {
    const mutation = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(mutation, fc.boolean(), (mutations, drop) => {
        const damaged = [...bytes];
        for (const [at, byte] of mutations) damaged.splice(at, 1, ...(drop ? [] : [byte]));
        const outcome = decodeBytes(layout, Buffer.from(damaged), 50, changes);
        if (outcome.ok) assert.equal(outcome.rows.length + outcome.file.duplicates, 6);
        if (outcome.ok && framing === 'fixed') assert.deepEqual(outcome.rows, whole.ok && whole.rows);
      }),
      { numRuns: 80 },
    );
  });
}

test('any bytes at all are answered, never thrown at', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.constantFrom(...Object.values(files)),
      (bytes, { layout, changes }) => {
        assert.equal(typeof decodeBytes(layout, bytes, 7, changes).ok, 'boolean');
      },
    ),
    { numRuns: 60 },
  );
});
