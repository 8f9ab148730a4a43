import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tMobileLayout } from '../../../src/providers/t-mobile/layout.ts';
import { decodeBytes } from '../decode/pass-in-test.ts';

const item = { version: 1, subscriber: '+31612345678', startedAt: '2026-03-10T12:00:00+01:00', state: 'final' };
const call = { ...item, id: 'a', type: 'VOICE_MOBILE', seconds: 61, bytes: 0, count: 1, to: '+31687654321' };
const fee = { ...item, id: 'b', type: 'FEE_RECURRING', seconds: 0, bytes: 0, count: 1 };

test('F10 a page whose amounts are a hundred times too high is told by its fees, where its calls alone would pass', () => {
  const codes = (factor: number) => {
    const priced = [
      { ...call, amount: { value: (0.125 * factor).toFixed(4), currency: 'EUR' } },
      { ...fee, amount: { value: (7.5 * factor).toFixed(4), currency: 'EUR' } },
    ];
    const name = '4711_20260301T000000Z_20260401T000000Z_20260402T000000Z_0001.json';
    const outcome = decodeBytes(tMobileLayout, Buffer.from(JSON.stringify({ items: priced })), undefined, { name });
    return outcome.ok ? outcome.file.quarantined.map(({ code, line }) => `${line} ${code}`) : [outcome.problem.message];
  };
  assert.deepEqual(codes(1), []);
  assert.match(codes(100).join(), /2 implausible|line 2, amount.*is more than such a record can cost/);
});
