import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supervisor } from '../../supervisors/actor.ts';
import type { Strategy } from '../../supervisors/strategy.ts';
import { startTree } from '../../supervisors/tree.ts';
import type { ChildSpec } from '../../supervisors/types.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';
import { crash, type Order, tell, worker } from './worker.ts';

async function group(strategy: Strategy, children: (log: string[]) => readonly ChildSpec[], recorder = new Recorder()) {
  const log: string[] = [];
  const spec = supervisor({ id: 'root', strategy, intensity: 10, children: children(log) });
  const root = await startTree(spec, recorder.environment);
  log.length = 0;
  return { log, recorder, root };
}

const three = (log: string[]) => ['a', 'b', 'c'].map((id) => worker(id, log));

test('one_for_one restarts the crashed child alone', async () => {
  const { log, recorder, root } = await group('one_for_one', three);
  tell(root, 'b', crash);
  await recorder.seen('restarted', 'b');
  assert.deepEqual(log, ['end b.1 crash', 'init b.2']);
  await root.stop();
});

test('rest_for_one stops what was started after the crashed child, in reverse, and starts the rest in order', async () => {
  const { log, recorder, root } = await group('rest_for_one', three);
  tell(root, 'b', crash);
  await recorder.seen('restarted', 'c');
  assert.deepEqual(log, ['end b.1 crash', 'end c.1 shutdown', 'init b.2', 'init c.2']);
  await root.stop();
});

test('one_for_all stops all children in reverse and starts all in order', async () => {
  const { log, recorder, root } = await group('one_for_all', three);
  tell(root, 'b', crash);
  await recorder.seen('restarted', 'c');
  assert.deepEqual(log.slice(0, 1), ['end b.1 crash']);
  assert.deepEqual(log.slice(1), ['end c.1 shutdown', 'end a.1 shutdown', 'init a.2', 'init b.2', 'init c.2']);
  await root.stop();
});

test('a sibling stopped by the group keeps its queue for its next generation', async () => {
  const { log, recorder, root } = await group('one_for_all', three);
  const busy = Promise.withResolvers<void>();
  tell(root, 'a', { do: 'wait', until: busy.promise });
  tell(root, 'a', { do: 'note', text: 'kept' });
  tell(root, 'b', crash);
  await recorder.seen('crashed', 'b');
  await idle(); // until a has been told too
  busy.resolve();
  await recorder.seen('restarted', 'c');
  await idle();
  assert.equal(log.at(-1), 'note a.2 kept');
  await root.stop();
});

test('crashes of several children of a group that is about to restart count as one restart', async () => {
  const { recorder, root } = await group('one_for_all', three);
  const busy = Promise.withResolvers<void>();
  tell(root, 'c', { do: 'wait', until: busy.promise });
  tell(root, 'a', crash);
  await recorder.seen('crashed', 'a');
  assert.equal(tell(root, 'b', crash), 'ok');
  await recorder.seen('crashed', 'b');
  busy.resolve();
  await recorder.seen('restarted', 'c');
  assert.equal(recorder.of('restarting').length, 1);
  await root.stop();
});

test('an earlier child that crashes while the rest waits for its restart widens the restart', async () => {
  const clock = new FakeClock();
  const recorder = new Recorder({ now: clock.now, timer: clock.timer, random: () => 0.5 });
  const { log, root } = await group('rest_for_one', three, recorder);
  tell(root, 'b', crash);
  await idle();
  tell(root, 'a', crash);
  await idle();
  assert.deepEqual(log, ['end b.1 crash', 'end c.1 shutdown', 'end a.1 crash']);
  assert.deepEqual(
    root.snapshot().children.map((child) => child.state),
    ['stopped', 'backoff', 'backoff'],
  );
  await clock.advance(50);
  await idle();
  assert.deepEqual(log.slice(3), ['init a.2', 'init b.2', 'init c.2']);
  await root.stop();
});

test('a child that the round has just started and that crashes again begins the round anew from there', async () => {
  const gate = Promise.withResolvers<void>();
  const { log, recorder, root } = await group('rest_for_one', (log) => [
    worker('a', log),
    worker('b', log),
    worker('c', log, { init: ({ generation }) => (generation === 2 ? gate.promise : undefined) }),
    worker('d', log),
  ]);
  tell(root, 'a', crash);
  await recorder.seen('restarted', 'b');
  tell(root, 'b', crash);
  await recorder.seen('crashed', 'b');
  gate.resolve();
  await recorder.seen('restarted', 'd');
  const first = ['init a.2', 'init b.2', 'init c.2', 'end b.2 crash', 'end c.2 shutdown'];
  assert.deepEqual(log.slice(-8), [...first, 'init b.3', 'init c.3', 'init d.2']);
  await root.stop();
});

test('a temporary child stopped by its group is not started again, and its own crash restarts nobody', async () => {
  const temporary = (log: string[]) => [
    worker('a', log),
    worker('t', log, { options: { restart: 'temporary' } }),
    worker('u', log, { options: { restart: 'temporary' } }),
  ];
  const { log, recorder, root } = await group('one_for_all', temporary);
  tell(root, 't', crash);
  await idle();
  assert.deepEqual(log, ['end t.1 crash']);
  tell(root, 'a', crash);
  await recorder.seen('restarted', 'a');
  assert.deepEqual(log.slice(1), ['end a.1 crash', 'end u.1 shutdown', 'init a.2']);
  await root.stop();
});

test("one child's backoff does not delay a sibling's restart", async () => {
  const clock = new FakeClock();
  const recorder = new Recorder({ now: clock.now, timer: clock.timer, random: () => 0.999 });
  const { log, root } = await group(
    'one_for_one',
    (log) => [
      worker('slow', log, { options: { backoff: { baseMs: 60_000, capMs: 60_000 } } }),
      worker('quick', log, { options: { backoff: { baseMs: 10, capMs: 10 } } }),
    ],
    recorder,
  );
  tell(root, 'slow', crash);
  tell(root, 'quick', crash);
  await clock.advance(10);
  await idle();
  assert.equal(log.at(-1), 'init quick.2');
  assert.equal(root.snapshot().children[0]!.state, 'backoff');
  await root.stop();
  assert.deepEqual(clock.pendingMs(), []);
  assert.equal(log.includes('init slow.2'), false);
});

test('a ref leads into a supervisor that is restarting and is used again when it runs', async () => {
  const { log, recorder, root } = await group('one_for_one', (log) => [
    supervisor({ id: 'inner', intensity: 0, children: [worker('leaf', log)] }),
  ]);
  tell(root, 'inner/leaf', crash);
  await recorder.seen('crashed', 'inner/leaf');
  const ref = root.ref<Order>('inner/leaf');
  assert.equal(ref.send({ do: 'note', text: 'too early' }), 'down');
  await recorder.seen('restarted', 'inner');
  assert.equal(ref.send({ do: 'note', text: 'hello' }), 'ok');
  await idle();
  assert.equal(log.at(-1), 'note leaf.2 hello');
  await root.stop();
});
