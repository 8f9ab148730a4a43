import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskNumber } from '../../src/log/mask.ts';
import { keepOf, normaliseDialled } from '../../src/telecom/dialled.ts';

test('every way to dial a number leads to the same digits', () => {
  for (const text of ['0612345678', '0031612345678', '+31612345678', '31612345678']) {
    assert.equal(normaliseDialled(text)?.digits, '31612345678');
  }
  assert.equal(normaliseDialled('08001234')?.digits, '318001234');
  assert.equal(normaliseDialled('0080012345678')?.digits, '80012345678');
});

test('short codes stay whole, emergency numbers leave nothing, helplines their class', () => {
  const kept = (text: string) => keepOf(normaliseDialled(text)!, 4);
  assert.deepEqual(kept('1888'), { prefix: '1888', masked: '1888' });
  assert.deepEqual(kept('14020'), { prefix: '14020', masked: '14020' });
  for (const text of ['112', '113', '116000', '116123', '0031112', '+31113']) {
    assert.deepEqual(kept(text), { prefix: null, masked: null }, text);
    assert.equal(normaliseDialled(text)?.confidential, true);
  }
  assert.deepEqual(kept('08000432'), { prefix: '31800', masked: null });
});

test('what is no number is refused', () => {
  for (const text of ['', ' 0612345678', '06-12345678', '*100#', '+', '1'.repeat(21), '０６１２']) {
    assert.equal(normaliseDialled(text), null, text);
  }
});

test('the masked digits are never kept, whatever was dialled', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 7, maxLength: 20 });
  fc.assert(
    fc.property(digits, fc.integer({ min: 3, max: 6 }), (text, mask) => {
      const dialled = normaliseDialled(text)!;
      const { prefix, masked } = keepOf(dialled, mask);
      // such as 3114020: short codes are nobody's number
      if (dialled.shortCode) return;
      assert.ok((prefix ?? '').length <= Math.max(0, dialled.digits.length - mask));
      if (masked !== null) assert.equal(masked.replace(/\D/g, ''), prefix ?? '');
      assert.ok(dialled.digits.startsWith(prefix ?? ''));
    }),
  );
});

test('a number in a message shows its beginning only, a short one nothing', () => {
  assert.equal(maskNumber('31612345678'), '3161234****');
  assert.equal(maskNumber('112'), '***');
  assert.equal(maskNumber('31612345678', 6), '31612******');
});

test('a short code after the country code is that short code, however it is written', () => {
  for (const text of ['+3114020', '003114020', '3114020']) {
    assert.deepEqual(normaliseDialled(text), { digits: '14020', shortCode: true, confidential: false }, text);
    assert.deepEqual(keepOf(normaliseDialled(text)!, 4), { prefix: '14020', masked: '14020' });
  }
  assert.equal(normaliseDialled('+311888')?.digits, '1888');
  // Goes, and a number that is too short to be one
  assert.equal(normaliseDialled('0113212345')?.digits, '31113212345');
  assert.deepEqual(normaliseDialled('+31202'), { digits: '31202', shortCode: false, confidential: false });
});
