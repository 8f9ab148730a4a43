import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stretchesOf } from '../../../src/providers/interpreter/settled-windows.ts';

test('windows that touch or overlap are one stretch since the first of them was read; a gap parts them', () => {
  const day = (date: number) => `2026-03-${String(date).padStart(2, '0')}T00:00:00Z`;
  const windows = [
    { from: day(8), to: day(9), since: '20260405T000000000Z' },
    { from: day(3), to: day(6), since: '20260401T000000000Z' },
    { from: day(1), to: day(3), since: '20260402T000000000Z' },
    { from: day(2), to: day(4), since: '20260403T000000000Z' },
  ];
  assert.deepEqual(stretchesOf(windows), [
    { from: '20260301T000000Z', to: '20260306T000000Z', since: '20260401T000000000Z' },
    { from: '20260308T000000Z', to: '20260309T000000Z', since: '20260405T000000000Z' },
  ]);
});
