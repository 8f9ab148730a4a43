import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supervisor } from '../../supervisors/actor.ts';
import { AdministrationError, StartError, startTree } from '../../supervisors/tree.ts';
import type { SupervisorSpec } from '../../supervisors/types.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';
import { crash, type Order, tell, worker } from './worker.ts';

const refused = (reason: AdministrationError['reason'], words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AdministrationError, String(error));
  assert.equal(error.reason, reason);
  assert.match(error.message, words);
  return true;
};

async function started(strategy: SupervisorSpec['strategy'] = 'one_for_one', clock?: FakeClock) {
  const log: string[] = [];
  const recorder = new Recorder(clock === undefined ? {} : { now: clock.now, timer: clock.timer, random: () => 0.999 });
  const children = ['a', 'b', 'c'].map((id) => worker(id, log));
  const root = await startTree(supervisor({ id: 'root', strategy, intensity: 10, children }), recorder.environment);
  return { log, recorder, root, children: root.children('/') };
}

test('a child started at run time is found by its path, supervised like the others, and stopped first', async () => {
  const { log, recorder, root, children } = await started();
  const ref = await children.start(worker('d', log));
  assert.equal(ref.path, 'd');
  ref.send(crash);
  await recorder.seen('restarted', 'd');
  assert.equal(tell(root, 'd', { do: 'note', text: 'again' }), 'ok');
  await idle();
  await root.stop();
  assert.deepEqual(log.slice(3), [
    ...['init d.1', 'end d.1 crash', 'init d.2', 'note d.2 again'],
    ...['end d.2 shutdown', 'end c.1 shutdown', 'end b.1 shutdown', 'end a.1 shutdown'],
  ]);
});

test('a stopped child keeps its place, is started by no crash of a sibling, and by restart as the next generation', async () => {
  const { log, recorder, root, children } = await started('one_for_all');
  const ref = root.ref<Order>('b');
  await children.stop('b');
  await children.stop('b');
  assert.equal(ref.send(crash), 'down');
  assert.deepEqual(children.count(), { known: 3, active: 2, backoff: 0, stopped: 1 });
  tell(root, 'a', crash);
  await recorder.seen('restarted', 'c');
  assert.equal(children.list()[1]!.state, 'stopped');
  await children.restart('b');
  assert.equal(ref.send({ do: 'note', text: 'back' }), 'ok');
  await idle();
  assert.deepEqual(log.slice(-2), ['init b.2', 'note b.2 back']);
  assert.deepEqual(
    children.list().map(({ id, kind, state, generation }) => [id, kind, state, generation]),
    [
      ['a', 'actor', 'running', 2],
      ['b', 'actor', 'running', 2],
      ['c', 'actor', 'running', 2],
    ],
  );
  await root.stop();
});

test('restart of a running child awaits the end of its old generation and takes nothing from the budget', async () => {
  const { log, root, children } = await started();
  for (let round = 0; round < 20; round += 1) await children.restart('a');
  assert.equal(root.snapshot().children[0]!.generation, 21);
  assert.equal(root.snapshot().children[0]!.restartsInWindow, 0);
  assert.deepEqual(log.slice(3, 7), ['end a.1 shutdown', 'init a.2', 'end a.2 shutdown', 'init a.3']);
  await root.stop();
});

for (const strategy of ['one_for_one', 'rest_for_one'] as const) {
  test(`a child in its backoff is stopped at once, without a start, and can be deleted then (${strategy})`, async () => {
    const clock = new FakeClock();
    const { log, root, children } = await started(strategy, clock);
    tell(root, 'c', crash);
    await idle();
    assert.equal(children.list()[2]!.state, 'backoff');
    assert.equal(children.count().backoff, 1);
    await assert.rejects(children.delete('c'), refused('not-stopped', /c is backoff; stop it first/));
    await children.stop('c');
    assert.equal(children.list()[2]!.state, 'stopped');
    await clock.advance(20_000);
    assert.deepEqual(log.slice(3), ['end c.1 crash']);
    assert.deepEqual(clock.pendingMs(), []);
    await children.delete('c');
    assert.equal(children.count().known, 2);
    await root.stop();
  });
}

test('restart ends a backoff: the next generation starts now', async () => {
  const clock = new FakeClock();
  const { log, root, children } = await started('one_for_one', clock);
  tell(root, 'a', crash);
  await idle();
  await children.restart('a');
  assert.deepEqual(log.slice(3), ['end a.1 crash', 'init a.2']);
  await clock.advance(20_000);
  assert.equal(root.snapshot().children[0]!.generation, 2);
  await root.stop();
});

test('what cannot be done is refused with a reason, and changes nothing', async () => {
  const { log, root, children } = await started();
  await assert.rejects(
    children.start(worker('a', log)),
    refused('already-present', /child a already, which is running/),
  );
  await assert.rejects(children.delete('a'), refused('not-stopped', /a is running; stop it first/));
  await assert.rejects(children.stop('x'), refused('not-found', /no child x/));
  await assert.rejects(children.restart('x'), refused('not-found', /no child x/));
  await assert.rejects(children.start({ ...worker('d', log), id: 'no id' }), TypeError);
  assert.throws(() => root.children('a'), /no supervisor a; its supervisors are: \//);
  await root.stop();
  await assert.rejects(children.start(worker('d', log)), refused('supervisor-down', /while it is stopped/));
  await assert.rejects(children.restart('a'), refused('supervisor-down', /while it is stopped/));
  assert.equal(log.filter((line) => line.startsWith('init')).length, 3);
});

test('a child that does not start is forgotten, and its error is the answer', async () => {
  const { log, root, children } = await started();
  const broken = worker('d', log, { init: () => Promise.reject(new Error('no port')) });
  await assert.rejects(children.start(broken), (error) => error instanceof StartError && /no port/.test(error.message));
  assert.equal(children.count().known, 3);
  await children.start(worker('d', log));
  await root.stop();
});

test('a restart that fails leaves the child stopped, with its error', async () => {
  const { log, root, children } = await started();
  const init = ({ generation }: { generation: number }) => {
    if (generation === 2) throw new Error('second');
  };
  await children.start(worker('d', log, { init }));
  await assert.rejects(children.restart('d'), StartError);
  assert.equal(children.list()[3]!.state, 'stopped');
  assert.equal(root.snapshot().children[3]!.lastError, 'second');
  await children.restart('d');
  assert.equal(children.list()[3]!.state, 'running');
  await root.stop();
});

test('a stop during a start that hangs ends it, and later changes of that child wait their turn', async () => {
  const { log, root, children } = await started();
  const hangs = worker('d', log, { init: ({ generation }) => (generation === 1 ? new Promise(() => {}) : undefined) });
  const slow = { ...hangs, options: { stopDeadlineMs: 20 } };
  const starting = assert.rejects(children.start(slow), /told to stop|did not start/);
  await idle();
  assert.equal(children.list()[3]!.state, 'starting');
  const stopping = children.stop('d');
  await Promise.all([starting, stopping]);
  assert.equal(children.count().known, 3);
  await Promise.all([children.restart('a'), children.stop('a'), children.restart('a'), children.restart('a')]);
  assert.equal(children.list()[0]!.state, 'running');
  await root.stop();
});

test('a crash of a sibling while a child is started by hand waits for that start', async () => {
  const { log, recorder, root, children } = await started('one_for_all');
  const gate = Promise.withResolvers<void>();
  const starting = children.start(
    worker('d', log, { init: ({ generation }) => (generation === 1 ? gate.promise : undefined) }),
  );
  await idle();
  tell(root, 'a', crash);
  await idle();
  assert.deepEqual(log.slice(3), ['init d.1', 'end a.1 crash']);
  gate.resolve();
  await starting;
  await recorder.seen('restarted', 'd');
  assert.deepEqual(log.slice(5), [
    ...['end d.1 shutdown', 'end c.1 shutdown', 'end b.1 shutdown', 'init a.2', 'init b.2', 'init c.2', 'init d.2'],
  ]);
  await root.stop();
});

test("the supervisor's next generation has the children of its spec: added ones are gone, deleted ones back", async () => {
  const log: string[] = [];
  const recorder = new Recorder();
  const inner = supervisor({ id: 's', intensity: 0, children: [worker('a', log), worker('b', log)] });
  const root = await startTree(supervisor({ id: 'root', children: [inner] }), recorder.environment);
  const children = root.children('s');
  const added = await children.start(worker('d', log));
  await children.stop('b');
  await children.delete('b');
  tell(root, 's/a', crash);
  await recorder.seen('restarted', 's');
  assert.deepEqual(
    children.list().map(({ id, state }) => `${id} ${state}`),
    ['a running', 'b running'],
  );
  assert.equal(added.send(crash), 'down');
  await root.stop();
});

test('an actor administers through its context', async () => {
  const { log, root, children } = await started();
  tell(root, 'a', { do: 'run', code: async (context) => void (await context.children('/').start(worker('d', log))) });
  await idle();
  assert.equal(children.list()[3]!.state, 'running');
  await root.stop();
});
