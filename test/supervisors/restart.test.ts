import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supervisor } from '../../supervisors/actor.ts';
import { startTree } from '../../supervisors/tree.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';
import { crash, type Order, tell, type WorkerOptions, worker } from './worker.ts';

async function one(given: WorkerOptions = {}, clock?: FakeClock) {
  const log: string[] = [];
  const recorder = new Recorder(clock === undefined ? {} : { now: clock.now, timer: clock.timer });
  const spec = supervisor({ id: 'root', intensity: 10, children: [worker('a', log, given)] });
  const root = await startTree(spec, recorder.environment);
  return { log, recorder, root };
}

test('a crashed actor is started again as the next generation behind the same ref', async () => {
  const { log, recorder, root } = await one();
  const ref = root.ref<Order>('a');
  ref.send(crash);
  await recorder.seen('restarted', 'a');
  assert.equal(ref.send({ do: 'note', text: 'after' }), 'ok');
  await idle();
  assert.deepEqual(log, ['init a.1', 'end a.1 crash', 'init a.2', 'note a.2 after']);
  await root.stop();
});

test('a synchronous throw is the same crash as a rejection', async () => {
  const recorder = new Recorder();
  const spec = supervisor({
    id: 'root',
    children: [
      {
        kind: 'actor',
        id: 'sync',
        init: () => 0,
        receive: () => {
          throw 'a string';
        },
      },
    ],
  });
  const root = await startTree(spec, recorder.environment);
  root.ref<string>('sync').send('x');
  await recorder.seen('restarted', 'sync');
  assert.match(recorder.of('crashed')[0]!.error.message, /a string/);
  await root.stop();
});

test('messages that waited behind a crash are handled by the next generation in order, without the one that crashed', async () => {
  const { log, recorder, root } = await one();
  tell(root, 'a', crash);
  for (const text of ['one', 'two', 'three']) tell(root, 'a', { do: 'note', text });
  await recorder.seen('restarted', 'a');
  await idle();
  assert.deepEqual(log.slice(2), ['init a.2', 'note a.2 one', 'note a.2 two', 'note a.2 three']);
  assert.equal(recorder.of('crashed').length, 1);
  await root.stop();
});

test('a handler that outlasts its deadline is a crash, its signal aborts, and its late result changes nothing', async () => {
  const clock = new FakeClock();
  const late = Promise.withResolvers<void>();
  const options = { messageDeadlineMs: 1_000, stopDeadlineMs: 100 };
  const { log, recorder, root } = await one({ options }, clock);
  let aborted = false;
  const code = async ({ signal }: { signal: AbortSignal }) => {
    signal.addEventListener('abort', () => {
      aborted = true;
    });
    await late.promise;
    throw new Error('late');
  };
  tell(root, 'a', { do: 'run', code });
  tell(root, 'a', { do: 'note', text: 'next' });
  await clock.advance(999);
  assert.deepEqual([recorder.events.length, aborted], [0, false]);
  await clock.advance(1);
  assert.deepEqual([recorder.lines()[0], aborted], ['crashed a', true]);
  assert.match(recorder.of('crashed')[0]!.error.message, /a: a handler took longer than 1000 ms/);
  await clock.advance(100);
  late.resolve();
  await idle();
  assert.deepEqual(
    recorder.lines(),
    ['crashed a', 'restarting a', 'stop-deadline-missed a', 'restarted a'].slice(0, 4),
  );
  assert.deepEqual(log, ['init a.1', 'end a.1 crash', 'init a.2', 'note a.2 next']);
  assert.equal(root.snapshot().children[0]!.generation, 2);
  await root.stop();
});

test('the deadline counts per message, although one timer watches them all', async () => {
  const clock = new FakeClock();
  const { recorder, root } = await one({ options: { messageDeadlineMs: 1_000 } }, clock);
  const first = Promise.withResolvers<void>();
  tell(root, 'a', { do: 'wait', until: first.promise });
  await clock.advance(600);
  first.resolve();
  await idle();
  tell(root, 'a', { do: 'hang' });
  await clock.advance(999);
  assert.deepEqual(recorder.lines(), []);
  await clock.advance(1);
  assert.equal(recorder.lines()[0], 'crashed a');
  await Promise.all([root.stop(), clock.advance(5_000)]);
});

test('a restart waits for the end of the old generation, but no longer than its stop deadline', async () => {
  const clock = new FakeClock();
  const closing = Promise.withResolvers<void>();
  const { log, root } = await one({ terminate: () => closing.promise, options: { stopDeadlineMs: 1_000 } }, clock);
  tell(root, 'a', crash);
  await clock.advance(900);
  assert.deepEqual(log, ['init a.1', 'end a.1 crash']);
  assert.equal(tell(root, 'a', crash), 'down');
  closing.resolve();
  await idle();
  assert.deepEqual(log, ['init a.1', 'end a.1 crash', 'init a.2']);
  await root.stop();
});

test('a handler still in flight at a crash from elsewhere is awaited before the next generation starts', async () => {
  const { log, recorder, root } = await one();
  const background = Promise.withResolvers<void>();
  const handler = Promise.withResolvers<void>();
  tell(root, 'a', { do: 'run', code: (context) => context.spawn(() => background.promise) });
  tell(root, 'a', { do: 'wait', until: handler.promise });
  await idle();
  background.reject(new Error('background'));
  await recorder.seen('crashed', 'a');
  await idle();
  assert.deepEqual(log, ['init a.1']);
  handler.resolve();
  await recorder.seen('restarted', 'a');
  assert.deepEqual(log, ['init a.1', 'end a.1 crash', 'init a.2']);
  await root.stop();
});

test('a rejected spawned task is a crash of its incarnation; one that rejects after its end is not', async () => {
  const { recorder, root } = await one();
  const late = Promise.withResolvers<void>();
  tell(root, 'a', { do: 'run', code: (context) => context.spawn(() => late.promise) });
  await idle();
  tell(root, 'a', crash);
  await recorder.seen('crashed', 'a');
  late.reject(new Error('too late'));
  await recorder.seen('restarted', 'a');
  tell(root, 'a', { do: 'run', code: (context) => context.spawn(() => Promise.reject(new Error('in time'))) });
  await recorder.seen('restarted', 'a', 2);
  assert.deepEqual(
    recorder.of('crashed').map((event) => event.error.message),
    ['boom', 'in time'],
  );
  await root.stop();
});

test('timers of an ended generation do not fire into the next one', async () => {
  const clock = new FakeClock();
  const { log, root } = await one({}, clock);
  const later = (text: string): Order => ({
    do: 'run',
    code: (context) => void context.after(1_000, { do: 'note', text }),
  });
  tell(root, 'a', later('old'));
  tell(root, 'a', crash);
  tell(root, 'a', later('new'));
  await clock.advance(1_000);
  assert.deepEqual(log.slice(2), ['init a.2', 'note a.2 new']);
  await root.stop();
});

test('permanent, transient and temporary children are restarted as their kind says', async () => {
  const log: string[] = [];
  const recorder = new Recorder();
  const child = (restart: 'permanent' | 'transient' | 'temporary') => worker(restart, log, { options: { restart } });
  const spec = supervisor({
    id: 'root',
    intensity: 10,
    children: [child('permanent'), child('transient'), child('temporary')],
  });
  const root = await startTree(spec, recorder.environment);
  for (const id of ['permanent', 'transient', 'temporary']) tell(root, id, crash);
  await idle();
  const generations = () => root.snapshot().children.map((each) => `${each.state} ${each.generation}`);
  assert.deepEqual(generations(), ['running 2', 'running 2', 'stopped 1']);
  for (const id of ['permanent', 'transient', 'temporary']) tell(root, id, { do: 'exit' });
  await idle();
  assert.deepEqual(generations(), ['running 3', 'stopped 2', 'stopped 1']);
  assert.ok(log.includes('end transient.2 normal'));
  assert.equal(tell(root, 'transient', crash), 'down');
  await root.stop();
});

test('an init that fails during a restart counts and is tried again', async () => {
  const log: string[] = [];
  const recorder = new Recorder();
  const init = ({ generation }: { generation: number }) => {
    if (generation === 2) throw new Error('not yet');
  };
  const spec = supervisor({ id: 'root', intensity: 2, children: [worker('a', log, { init })] });
  const root = await startTree(spec, recorder.environment);
  tell(root, 'a', crash);
  await recorder.seen('restarted', 'a');
  assert.deepEqual(recorder.lines(), ['crashed a', 'restarting a', 'crashed a', 'restarting a', 'restarted a']);
  assert.equal(root.snapshot().children[0]!.generation, 3);
  await root.stop();
});

test('a reporter that throws does not stall a restart', async () => {
  const log: string[] = [];
  const warned = Promise.withResolvers<Error>();
  process.once('warning', warned.resolve);
  const report = () => {
    throw new Error('reporter broken');
  };
  const root = await startTree(supervisor({ id: 'root', children: [worker('a', log)] }), { report, random: () => 0 });
  tell(root, 'a', crash);
  assert.equal((await warned.promise).message, 'reporter broken');
  await idle();
  assert.equal(log.at(-1), 'init a.2');
  await root.stop();
});
