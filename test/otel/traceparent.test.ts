import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childTraceparent, makeTraceparent, parseTraceparent } from '../../otel/traceparent.ts';

test('a root is a valid, sampled traceparent and never the same twice', () => {
  const root = makeTraceparent();
  assert.match(root, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.equal(parseTraceparent(root)!.sampled, true);
  assert.notEqual(makeTraceparent(), root);
});

test('a child stays in its trace, keeps the flag and has a span of its own', () => {
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  const child = parseTraceparent(childTraceparent(parent))!;
  assert.equal(child.traceId, '0af7651916cd43dd8448eb211c80319c');
  assert.notEqual(child.spanId, 'b7ad6b7169203331');
  assert.equal(child.sampled, false);
});

for (const bad of [
  null,
  '',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331',
  '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
]) {
  test(`${JSON.stringify(bad)} is no traceparent, and its child is a new root`, () => {
    assert.equal(parseTraceparent(bad), null);
    assert.ok(parseTraceparent(childTraceparent(bad)));
  });
}

test('an all-zero id is drawn again', () => {
  const draws = [Buffer.alloc(16), Buffer.alloc(16, 1), Buffer.alloc(8), Buffer.alloc(8, 2)];
  assert.equal(
    makeTraceparent(() => draws.shift()!),
    `00-${'01'.repeat(16)}-${'02'.repeat(8)}-01`,
  );
});
