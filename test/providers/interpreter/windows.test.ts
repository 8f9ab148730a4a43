import assert from 'node:assert/strict';
import { test } from 'node:test';
import { earliestAsOf, readTo, windowsAgain, windowsToRead } from '../../../src/providers/interpreter/windows.ts';
import type { Watermark } from '../../../src/providers/sync-input.ts';

const spec = { firstDays: 92, overlapDays: 3, maxDays: 31, lookBack: { days: 60, everyDays: 7 } };
const nowMs = Date.parse('2026-11-20T12:00:00.500Z');
const spans = (windows: readonly { from: string; to: string }[]) =>
  windows.map(({ from, to }) => `${from.slice(0, 10)} ${to.slice(0, 10)}`);
const read = (watermark: Watermark, contract: string | null = null) => {
  const contractFromMs = contract === null ? null : Date.parse(contract);
  const { windows, looksBack } = windowsAgain(spec, watermark, nowMs, contractFromMs);
  return { spans: spans(windowsToRead(spec, watermark, windows, nowMs, contractFromMs)), looksBack };
};
const known = { readTo: '2026-11-19T12:00:00Z' };

test('the first run reads as far back as it may, in stretches, and not before the contract', () => {
  assert.deepEqual(read({}).spans, ['2026-08-20 2026-09-20', '2026-09-20 2026-10-21', '2026-10-21 2026-11-20']);
  assert.deepEqual(read({}, '2026-11-01T00:00:00Z').spans, ['2026-11-01 2026-11-20']);
  assert.equal(read({}).looksBack, false);
});

test('later runs overlap what is known, and once in so many days all is read again that may still change', () => {
  const recent = { ...known, lookedBack: '2026-11-14T00:00:00Z' };
  assert.deepEqual(read(recent), { spans: ['2026-11-16 2026-11-20'], looksBack: false });
  const back = ['2026-09-20 2026-10-21', '2026-10-21 2026-11-16', '2026-11-16 2026-11-20'];
  for (const watermark of [known, { ...known, lookedBack: '2026-11-13T12:00:00Z' }]) {
    assert.deepEqual(read(watermark), { spans: back, looksBack: true });
  }
  assert.deepEqual(read(known, '2026-11-10T00:00:00Z').spans, ['2026-11-10 2026-11-16', '2026-11-16 2026-11-20']);
});

test('what was broken off comes first and once, also of a look back', () => {
  const part = { from: '2026-09-20T12:00:00Z', to: '2026-10-21T12:00:00Z', cursor: 'c', items: 7 };
  const windows = windowsToRead(spec, { ...known, window: part }, windowsAgain(spec, known, nowMs).windows, nowMs);
  assert.deepEqual(spans(windows), ['2026-09-20 2026-10-21', '2026-10-21 2026-11-16', '2026-11-16 2026-11-20']);
  assert.deepEqual(
    windows.map((window) => [window.part?.cursor, window.isNew]),
    [
      ['c', false],
      [undefined, false],
      [undefined, true],
    ],
  );
});

test('what a provider calls its present is known up to there, unless it would have all of the past read at every run', () => {
  const window = { from: '2026-11-16T00:00:00Z', to: '2026-11-20T00:00:00Z' };
  for (const [asOf, before, expected] of [
    [null, known.readTo, window.to],
    ['2026-11-19T12:00:00+01:00', known.readTo, '2026-11-19T11:00:00Z'],
    ['2026-11-21T00:00:00Z', known.readTo, window.to],
    ['2026-10-25T00:00:00Z', known.readTo, '2026-10-25T00:00:00Z'],
    ['2026-10-01T00:00:00Z', known.readTo, window.to],
    ['0', known.readTo, window.to],
    ['soon', known.readTo, window.to],
    ['2026-10-01T00:00:00Z', undefined, '2026-10-01T00:00:00Z'],
    ['0', undefined, window.to],
  ] as const) {
    assert.equal(readTo(window, asOf, earliestAsOf(spec, before, nowMs)), expected, `${asOf} ${before}`);
  }
});
