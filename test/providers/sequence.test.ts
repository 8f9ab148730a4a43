import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planImport } from '../../src/providers/sequence.ts';

const file = (seq: number, version = 1) => ({ id: `${seq}.${version}`, name: `f${seq}`, seq, version });
const ids = (files: readonly { id: string }[]) => files.map((one) => one.id);

test('the first file of an account may have any number, the next ones follow it', () => {
  const plan = planImport([file(8), file(7)], { lastSeq: null, duplicateSeqs: [], refusedSeq: null });
  assert.deepEqual([ids(plan.now), ids(plan.heldBack), plan.missing], [['7.1', '8.1'], [], []]);
});

test('a gap holds back everything after it and names the missing number', () => {
  const plan = planImport([file(4), file(6), file(7)], { lastSeq: 3, duplicateSeqs: [], refusedSeq: null });
  assert.deepEqual([ids(plan.now), ids(plan.heldBack), plan.missing], [['4.1'], ['6.1', '7.1'], [5]]);
});

test('what was held back goes on when the missing file is there', () => {
  const plan = planImport([file(6), file(5), file(7)], { lastSeq: 4, duplicateSeqs: [], refusedSeq: null });
  assert.deepEqual(ids(plan.now), ['5.1', '6.1', '7.1']);
});

test('a gap that only alerts holds nothing back and names every number that was skipped', () => {
  const plan = planImport([file(6), file(4), file(9)], { lastSeq: 3, duplicateSeqs: [], refusedSeq: 5 }, 'alert');
  assert.deepEqual([ids(plan.now), ids(plan.heldBack), plan.missing], [['4.1', '6.1', '9.1'], [], [5, 7, 8]]);
});

test('a re-delivery of an imported number stands outside the sequence', () => {
  const plan = planImport([file(2, 2), file(4)], { lastSeq: 3, duplicateSeqs: [], refusedSeq: null });
  assert.deepEqual(ids(plan.now), ['2.2', '4.1']);
});

test('a refused file holds back its successors until a good version of it is there', () => {
  const held = planImport([file(3)], { lastSeq: 1, duplicateSeqs: [], refusedSeq: 2 });
  assert.deepEqual([ids(held.now), held.missing], [[], [2]]);
  const alone = planImport([file(3)], { lastSeq: null, duplicateSeqs: [], refusedSeq: 2 });
  assert.deepEqual([ids(alone.now), alone.missing], [[], [2]]);
  const mended = planImport([file(2, 2), file(3)], { lastSeq: 1, duplicateSeqs: [], refusedSeq: null });
  assert.deepEqual(ids(mended.now), ['2.2', '3.1']);
});

test('a number that came with the bytes of another file, such as an empty one, is not missing', () => {
  const state = { lastSeq: 3, duplicateSeqs: [4, 5, 9], refusedSeq: null };
  const plan = planImport([file(6), file(8)], state);
  assert.deepEqual([ids(plan.now), ids(plan.heldBack), plan.missing], [['6.1'], ['8.1'], [7]]);
  assert.deepEqual(planImport([file(6), file(8), file(10)], state, 'alert').missing, [7]);
});
