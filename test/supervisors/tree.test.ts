import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actor, supervisor } from '../../supervisors/actor.ts';
import { DeadlineError, StartError } from '../../supervisors/errors.ts';
import { startTree } from '../../supervisors/tree.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';
import { crash, type Order, tell, worker } from './worker.ts';

function timed() {
  const clock = new FakeClock();
  return { clock, recorder: new Recorder({ now: clock.now, timer: clock.timer }), log: [] as string[] };
}

test('children start in order, each after the one before it is ready, and stop in the exact reverse', async () => {
  const { log, recorder } = timed();
  const slow = () => idle(3).then(() => void log.push('slow ready'));
  const inner = supervisor({ id: 'inner', children: [worker('b', log, { init: slow }), worker('c', log)] });
  const spec = supervisor({ id: 'root', children: [worker('a', log), inner, worker('d', log)] });
  const root = await startTree(spec, recorder.environment);
  assert.deepEqual(log, ['init a.1', 'init b.1', 'slow ready', 'init c.1', 'init d.1']);
  await root.stop();
  const ends = ['d', 'c', 'b', 'a'].map((id) => `end ${id}.1 shutdown`);
  assert.deepEqual(log.slice(5), ends);
  assert.deepEqual(await root.ended, { kind: 'shutdown' });
  await root.stop();
  assert.equal(log.length, 9);
});

test('a start that fails is rolled back in reverse and names the actor and the reason', async () => {
  const { log, recorder } = timed();
  const init = () => Promise.reject(new Error('no such table'));
  const inner = supervisor({ id: 'inner', children: [worker('b', log), worker('c', log, { init })] });
  const spec = supervisor({ id: 'root', children: [worker('a', log), inner, worker('d', log)] });
  await assert.rejects(startTree(spec, recorder.environment), (error: unknown) => {
    assert.ok(error instanceof StartError);
    assert.equal(error.message, 'inner/c did not start: no such table');
    assert.equal((error.cause as Error).message, 'no such table');
    return true;
  });
  assert.deepEqual(log, ['init a.1', 'init b.1', 'init c.1', 'end b.1 shutdown', 'end a.1 shutdown']);
});

test('an init that outlasts its start deadline fails the start; a state that arrives late is still terminated', async () => {
  const { clock, log, recorder } = timed();
  const gate = Promise.withResolvers<void>();
  const options = { startDeadlineMs: 1_000, stopDeadlineMs: 100 };
  const spec = supervisor({ id: 'root', children: [worker('a', log, { init: () => gate.promise, options })] });
  const started = assert.rejects(
    startTree(spec, recorder.environment),
    /a did not start: a: init took longer than 1000 ms/,
  );
  await clock.advance(1_100);
  await started;
  assert.deepEqual(recorder.lines(), ['crashed a', 'stop-deadline-missed a']);
  gate.resolve();
  await idle();
  assert.deepEqual(log, ['init a.1', 'end a.1 crash']);
});

test("a supervisor's own start deadline bounds its whole subtree", async () => {
  const { clock, log, recorder } = timed();
  const slow = (id: string) =>
    worker(id, log, {
      init: () => new Promise((resolve) => clock.timer(resolve, 400)),
      options: { stopDeadlineMs: 0 },
    });
  const inner = supervisor({ id: 'inner', options: { startDeadlineMs: 1_000 }, children: ['a', 'b', 'c'].map(slow) });
  const started = startTree(supervisor({ id: 'root', children: [inner] }), recorder.environment);
  const rejected = assert.rejects(started, (error) => error instanceof DeadlineError && error.path === 'inner');
  await clock.advance(1_001);
  await rejected;
  assert.deepEqual(log.slice(0, 3), ['init a.1', 'init b.1', 'init c.1']);
});

test('an actor that ignores the stop is left behind at its deadline, and said so', async () => {
  const { clock, log, recorder } = timed();
  const stuck = worker('stuck', log, { options: { stopDeadlineMs: 1_000, messageDeadlineMs: Infinity } });
  const root = await startTree(supervisor({ id: 'root', children: [worker('a', log), stuck] }), recorder.environment);
  tell(root, 'stuck', { do: 'hang' });
  await idle();
  const stopped = root.stop();
  await clock.advance(999);
  assert.deepEqual(log.slice(2), ['end stuck.1 shutdown']);
  await clock.advance(1);
  await stopped;
  assert.deepEqual(recorder.lines(), ['stop-deadline-missed stuck']);
  assert.equal(log.at(-1), 'end a.1 shutdown');
});

test('one deadline bounds the whole stop: the rest is told at once, still in reverse', async () => {
  const { clock, log, recorder } = timed();
  const hang = () => new Promise<void>(() => {});
  const children = ['a', 'b', 'c'].map((id) => worker(id, log, { terminate: hang }));
  const inner = supervisor({ id: 'inner', children });
  const root = await startTree(supervisor({ id: 'root', children: [inner] }), recorder.environment);
  const stopped = root.stop(1_000);
  await clock.advance(999);
  assert.deepEqual(log.slice(3), ['end c.1 shutdown']);
  await clock.advance(2);
  await stopped;
  assert.deepEqual(log.slice(3), ['end c.1 shutdown', 'end b.1 shutdown', 'end a.1 shutdown']);
  assert.equal(recorder.of('stop-deadline-missed').length, 3);
});

test('a handler in flight at the stop may finish, and terminate sees its state', async () => {
  const { log, recorder } = timed();
  const open = Promise.withResolvers<void>();
  let handled = -1;
  const a = worker('a', log, {
    terminate: (state) => {
      handled = state.handled;
    },
  });
  const root = await startTree(supervisor({ id: 'root', children: [a] }), recorder.environment);
  tell(root, 'a', { do: 'wait', until: open.promise });
  tell(root, 'a', { do: 'note', text: 'never' });
  await idle();
  const stopped = root.stop();
  open.resolve();
  await stopped;
  assert.equal(handled, 1);
  assert.deepEqual(log, ['init a.1', 'end a.1 shutdown']);
  assert.deepEqual(
    recorder.of('messages-dropped').map(({ path, count }) => [path, count]),
    [['a', 1]],
  );
  assert.equal(tell(root, 'a', crash), 'down');
});

test('a stop during a backoff or a restart that hangs ends both', async () => {
  const { clock, log, recorder } = timed();
  const init = ({ generation }: { generation: number }) => (generation > 1 ? new Promise<void>(() => {}) : undefined);
  const b = worker('b', log, { init, options: { startDeadlineMs: Infinity, stopDeadlineMs: 50 } });
  const root = await startTree(supervisor({ id: 'root', children: [worker('a', log), b] }), recorder.environment);
  tell(root, 'b', crash);
  await idle();
  assert.equal(root.snapshot().children[1]!.state, 'starting');
  const stopped = root.stop();
  await clock.advance(50);
  await stopped;
  assert.deepEqual(clock.pendingMs(), []);
  assert.equal((await root.ended).kind, 'shutdown');
});

test('a child that crashes while later children still start is restarted before the start is over', async () => {
  const { log, recorder } = timed();
  const gate = Promise.withResolvers<void>();
  const early = worker('early', log, {
    init: (context) => void (context.generation === 1 && context.self.send(crash)),
  });
  const late = worker('late', log, { init: () => gate.promise });
  const started = startTree(supervisor({ id: 'root', children: [early, late] }), recorder.environment);
  await recorder.seen('restarted', 'early');
  gate.resolve();
  const root = await started;
  assert.deepEqual(log, ['init early.1', 'init late.1', 'end early.1 crash', 'init early.2']);
  await root.stop();
});

test('two trees with the same ids do not disturb each other', async () => {
  const logs: [string[], string[]] = [[], []];
  const start = (log: string[]) =>
    startTree(supervisor({ id: 'root', children: [worker('a', log)] }), new Recorder().environment);
  const [one, two] = [await start(logs[0]), await start(logs[1])];
  tell(one, 'a', { do: 'note', text: 'for one' });
  await one.stop();
  assert.equal(tell(two, 'a', { do: 'note', text: 'for two' }), 'ok');
  await idle();
  assert.deepEqual(logs[1], ['init a.1', 'note a.1 for two']);
  await two.stop();
});

test('the same id under two supervisors, and ids that look like generations, are different actors', async () => {
  const { log, recorder } = timed();
  const ids = ['a', 'a.1', 'a.1.2'].map((id) => worker(id, log));
  const spec = supervisor({ id: 'root', children: [supervisor({ id: 'x', children: ids }), ...ids] });
  const root = await startTree(spec, recorder.environment);
  for (const id of ['a', 'a.1', 'x/a', 'x/a.1.2']) tell(root, id, { do: 'note', text: id });
  await idle();
  assert.deepEqual(log.slice(6).sort(), ['note a.1 a', 'note a.1 x/a', 'note a.1.1 a.1', 'note a.1.2.1 x/a.1.2']);
  await root.stop();
});

test('an unknown path is refused with the paths there are', async () => {
  const { log, recorder } = timed();
  const root = await startTree(supervisor({ id: 'root', children: [worker('a', log)] }), recorder.environment);
  assert.throws(() => root.ref('b'), /the tree has no actor b; its actors are: a/);
  await root.stop();
});

test('a snapshot tells state, generation, restarts, queue and last error of everybody', async () => {
  const { clock, log, recorder } = timed();
  const inner = supervisor({ id: 'inner', children: [worker('a', log), worker('b', log)] });
  const root = await startTree(supervisor({ id: 'root', children: [inner] }), recorder.environment);
  tell(root, 'inner/a', crash);
  await recorder.seen('restarted', 'inner/a');
  tell(root, 'inner/a', { do: 'note', text: 'one' });
  tell(root, 'inner/b', { do: 'hang' });
  await idle();
  tell(root, 'inner/b', { do: 'note', text: 'waits' });
  await clock.advance(1_500);
  const [a, b] = root.snapshot().children[0]!.children;
  const { children: _none, ...facts } = a!;
  assert.deepEqual(facts, {
    path: 'inner/a',
    kind: 'actor',
    state: 'running',
    generation: 2,
    restarts: 1,
    restartsInWindow: 1,
    consecutive: 0,
    queued: 0,
    dropped: 0,
    oldestMessageAgeMs: null,
    runningForMs: 1_500,
    lastError: 'boom',
    about: { handled: 1 },
  });
  assert.deepEqual([b!.queued, b!.oldestMessageAgeMs, b!.runningForMs], [1, 1_500, 1_500]);
  await Promise.all([root.stop(), clock.advance(5_000)]);
});

test('an actor may hold any message and state types, checked where it is made', async () => {
  const adder = actor({
    id: 'adder',
    init: () => 0,
    receive: (sum, message: { add: number }) => sum + message.add,
    describe: (sum) => ({ sum }),
  });
  // @ts-expect-error the state is a number, not a string
  actor<{ add: number }, number>({ id: 'wrong', init: () => 0, receive: () => 'text' });
  const root = await startTree(supervisor({ id: 'root', children: [adder] }), new Recorder().environment);
  const ref = root.ref<{ add: number }>('adder');
  ref.send({ add: 2 });
  // @ts-expect-error a message must be { add: number }
  const unchecked = (): unknown => ref.send({ subtract: 1 });
  assert.equal(typeof unchecked, 'function');
  // @ts-expect-error a ref of other messages is another type
  const wrong: { send(order: Order): unknown } & typeof ref = root.ref<Order>('adder');
  assert.equal(wrong, ref);
  ref.send({ add: 3 });
  await idle();
  assert.deepEqual(root.snapshot().children[0]!.about, { sum: 5 });
  await root.stop();
});

test('a spec that is wrong is refused with the option, the value and the right form', () => {
  const log: string[] = [];
  const a = worker('a', log);
  assert.throws(() => worker('a/b', log), /"a\/b" is no id/);
  assert.throws(() => supervisor({ id: 'root', children: [a, a] }), /root has two children named a: rename one/);
  assert.throws(() => supervisor({ id: 'root', intensity: 1.5, children: [] }), /root: intensity is 1.5, but must be/);
  assert.throws(() => worker('a', log, { options: { mailbox: 0 } }), /a: options.mailbox is 0, but must be/);
  assert.throws(() => worker('a', log, { options: { stopDeadlineMs: Number.NaN } }), /stopDeadlineMs is NaN/);
});
