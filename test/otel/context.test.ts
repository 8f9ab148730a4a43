import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture, restore, withContext } from '../../otel/context.ts';

const one = { traceparent: '00-1', chainId: '1' };
const two = { traceparent: '00-2', chainId: '2' };

test('the context follows promises and timers', async () => {
  await withContext(one, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(capture(), one);
  });
  assert.equal(capture(), undefined);
});

test('queued work gets back the context of its sender, not that of whoever runs the queue', () => {
  const queue: (() => unknown)[] = [];
  for (const context of [one, two]) {
    withContext(context, () => {
      const captured = capture();
      queue.push(() => restore(captured, capture));
    });
  }
  withContext(two, () => assert.deepEqual([queue[0]!(), queue[1]!()], [one, two]));
});

test('what was captured outside any context is restored as none', () => {
  const nothing = capture();
  withContext(one, () => assert.equal(restore(nothing, capture), undefined));
});
