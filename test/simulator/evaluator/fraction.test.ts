import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, fractionOfDecimal, isExactHalf, roundTo, timesUnits } from '../../../simulator/evaluator/fraction.ts';

test('halves go away from zero, and up goes away from zero always', () => {
  const half = fractionOfDecimal('0.00125');
  assert.equal(roundTo(half, 4, 'half-away'), 13n);
  assert.equal(roundTo(fractionOfDecimal('-0.00125'), 4, 'half-away'), -13n);
  assert.equal(roundTo(fractionOfDecimal('0.001249'), 4, 'half-away'), 12n);
  assert.equal(roundTo(fractionOfDecimal('0.001201'), 4, 'up'), 13n);
  assert.equal(roundTo(fractionOfDecimal('0.0012'), 4, 'up'), 12n);
  assert.ok(isExactHalf(half, 4) && !isExactHalf(fractionOfDecimal('0.00126'), 4));
});

test('thirds add up without loss', () => {
  const third = timesUnits(fractionOfDecimal('1'), 1, 3);
  assert.equal(roundTo(add(add(third, third), third), 8, 'up'), 100_000_000n);
});

test('text that is no decimal number is refused', () => {
  assert.throws(() => fractionOfDecimal('1,20'), /"1,20" is no decimal number/);
});
