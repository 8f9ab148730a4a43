import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supervisor } from '../../supervisors/actor.ts';
import { backoffDelayMs } from '../../supervisors/backoff.ts';
import { RestartWindow } from '../../supervisors/restart-window.ts';
import { startTree } from '../../supervisors/tree.ts';
import type { ChildOptions, SupervisorSpec } from '../../supervisors/types.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';
import { crash, tell, worker } from './worker.ts';

type Limits = Pick<SupervisorSpec, 'intensity' | 'periodMs'>;

async function limited(limits: Limits, options: ChildOptions = {}, random = () => 0) {
  const clock = new FakeClock();
  const log: string[] = [];
  const recorder = new Recorder({ now: clock.now, timer: clock.timer, random });
  const children = [worker('a', log, { options: { consecutive: Infinity, ...options } }), worker('b', log)];
  const root = await startTree(supervisor({ id: 'root', ...limits, children }), recorder.environment);
  return { clock, log, recorder, root };
}

test('exactly `intensity` restarts within the period are allowed, one more gives up', async () => {
  const { recorder, root, log } = await limited({ intensity: 3, periodMs: 1_000 });
  for (let restart = 1; restart <= 3; restart += 1) {
    tell(root, 'a', crash);
    await recorder.seen('restarted', 'a', restart);
  }
  tell(root, 'a', crash);
  const ended = await root.ended;
  assert.equal(ended.kind, 'gave-up');
  assert.match((ended as { error: Error }).error.message, /^\/ gave up: more than 3 restarts within 1000 ms; .*boom$/);
  assert.equal(recorder.of('restarting').length, 3);
  assert.deepEqual(log.slice(-2), ['end a.4 crash', 'end b.1 shutdown']);
  assert.equal(tell(root, 'b', crash), 'down');
});

test('restarts of different children share the budget of their supervisor', async () => {
  const { recorder, root } = await limited({ intensity: 1, periodMs: 1_000 });
  tell(root, 'a', crash);
  await recorder.seen('restarted', 'a');
  tell(root, 'b', crash);
  assert.equal((await root.ended).kind, 'gave-up');
});

test('the period slides: a restart that has left it is free again', async () => {
  const { clock, recorder, root } = await limited({ intensity: 2, periodMs: 1_000 });
  for (let restart = 1; restart <= 10; restart += 1) {
    tell(root, 'a', crash);
    await recorder.seen('restarted', 'a', restart);
    await clock.advance(501);
  }
  assert.equal(root.snapshot().state, 'running');
  assert.equal(root.snapshot().children[0]!.restarts, 10);
  await root.stop();
});

test('a restart exactly one period ago still counts', () => {
  const window = new RestartWindow(1, 1_000);
  assert.equal(window.take(0, 0), true);
  assert.equal(window.take(1_000, 0), false);
  assert.equal(window.take(1_001, 0), true);
  assert.equal(new RestartWindow(0, 1_000).take(0, 0), false);
});

test('a child that fails `consecutive` times in a row makes its supervisor give up before the budget does', async () => {
  const { recorder, root } = await limited({ intensity: 100 }, { consecutive: 3 });
  for (let restart = 1; restart <= 2; restart += 1) {
    tell(root, 'a', crash);
    await recorder.seen('restarted', 'a', restart);
  }
  tell(root, 'a', crash);
  const ended = await root.ended;
  assert.match((ended as { error: Error }).error.message, /a failed 3 times in a row/);
  assert.equal(recorder.of('restarting').length, 2);
});

test('a handled message begins the count of consecutive failures again', async () => {
  const { recorder, root } = await limited({ intensity: 100 }, { consecutive: 2 });
  for (let restart = 1; restart <= 5; restart += 1) {
    tell(root, 'a', { do: 'note', text: 'works' });
    tell(root, 'a', crash);
    await recorder.seen('restarted', 'a', restart);
  }
  assert.equal(root.snapshot().children[0]!.consecutive, 1);
  await root.stop();
});

test('a run of healthyAfterMs begins the count of consecutive failures again', async () => {
  const { clock, recorder, root } = await limited({ intensity: 100 }, { consecutive: 2, healthyAfterMs: 500 });
  for (let restart = 1; restart <= 5; restart += 1) {
    await clock.advance(500);
    tell(root, 'a', crash);
    await recorder.seen('restarted', 'a', restart);
  }
  tell(root, 'a', crash);
  assert.equal((await root.ended).kind, 'gave-up');
});

test('the time in a handler that hangs is no health, however often the first message of a life hangs', async () => {
  const slow = { consecutive: 3, healthyAfterMs: 500, messageDeadlineMs: 2_000, stopDeadlineMs: 10 };
  const { clock, recorder, root } = await limited({ intensity: 100 }, slow);
  for (let life = 1; life <= 3; life += 1) {
    tell(root, 'a', { do: 'hang' });
    await clock.advance(2_010);
    if (life < 3) await recorder.seen('restarted', 'a', life);
  }
  assert.match(((await root.ended) as { error: Error }).error.message, /a failed 3 times in a row.*messageDeadlineMs/);
});

test('the time in a handler that rejects late is no health either, the idle time before it is', async () => {
  const slow = { consecutive: 3, healthyAfterMs: 500 };
  const { clock, recorder, root } = await limited({ intensity: 100 }, slow);
  const late = () => {
    const { promise, reject } = Promise.withResolvers<void>();
    clock.timer(() => reject(new Error('late')), 900);
    tell(root, 'a', { do: 'wait', until: promise });
  };
  for (let life = 1; life <= 5; life += 1) {
    await clock.advance(500);
    late();
    await clock.advance(900);
    await recorder.seen('restarted', 'a', life);
  }
  for (let life = 6; life <= 7; life += 1) {
    late();
    await clock.advance(900);
    if (life < 7) await recorder.seen('restarted', 'a', life);
  }
  assert.match(((await root.ended) as { error: Error }).error.message, /a failed 3 times in a row.*late/);
});

test('a supervisor was not healthy while the row of failures lasted that made it give up', async () => {
  const clock = new FakeClock();
  const recorder = new Recorder({ now: clock.now, timer: clock.timer, random: () => 0 });
  const options = { consecutive: 2, healthyAfterMs: 500 };
  const hanging = { ...options, messageDeadlineMs: 2_000, stopDeadlineMs: 10 };
  const hangs = worker('a', [], { options: hanging, init: (context) => void context.self.send({ do: 'hang' }) });
  const inner = supervisor({ id: 'inner', intensity: 100, children: [hangs], options });
  const root = await startTree(supervisor({ id: 'root', intensity: 100, children: [inner] }), recorder.environment);
  for (let step = 0; step < 4; step += 1) {
    await clock.advance(2_010);
  }
  assert.match(((await root.ended) as { error: Error }).error.message, /inner failed 2 times in a row/);
});

test('a normal exit of a permanent child takes from the budget but is no failure', async () => {
  const { recorder, root } = await limited({ intensity: 3 }, { consecutive: 1 });
  for (let restart = 1; restart <= 3; restart += 1) {
    tell(root, 'a', { do: 'exit' });
    await recorder.seen('restarted', 'a', restart);
  }
  assert.deepEqual(recorder.of('crashed'), []);
  tell(root, 'a', { do: 'exit' });
  assert.match(((await root.ended) as { error: Error }).error.message, /more than 3 restarts .* a ended normally/);
});

test('the backoff is a full jitter below base times two per failure in a row, up to the cap', async () => {
  const backoff = { baseMs: 100, capMs: 1_000 };
  const delays = [1, 2, 3, 4, 5, 50].map((failures) => backoffDelayMs(failures, backoff, () => 0.5));
  assert.deepEqual(delays, [50, 100, 200, 400, 500, 500]);
  assert.equal(
    backoffDelayMs(9, backoff, () => 0),
    0,
  );

  const { clock, recorder, root } = await limited({ intensity: 100 }, { backoff }, () => 0.5);
  for (const delayMs of [50, 100, 200]) {
    const before = recorder.of('restarted').length;
    tell(root, 'a', crash);
    await clock.advance(delayMs - 1);
    assert.equal(recorder.of('restarted').length, before);
    assert.equal(root.snapshot().children[0]!.state, 'backoff');
    await clock.advance(1);
    await idle();
    assert.equal(recorder.of('restarted').length, before + 1);
  }
  assert.deepEqual(
    recorder.of('restarting').map((event) => event.delayMs),
    [50, 100, 200],
  );
  await root.stop();
});

test('a supervisor that gives up stops its children in reverse and counts as one crash in its parent', async () => {
  const log: string[] = [];
  const recorder = new Recorder();
  const inner = supervisor({ id: 'inner', intensity: 1, children: ['a', 'b', 'c'].map((id) => worker(id, log)) });
  const spec = supervisor({ id: 'root', intensity: 1, children: [worker('first', log), inner] });
  const root = await startTree(spec, recorder.environment);
  tell(root, 'inner/b', crash);
  await recorder.seen('restarted', 'inner/b');
  log.length = 0;
  tell(root, 'inner/b', crash);
  await recorder.seen('restarted', 'inner');
  const stops = ['end b.2 crash', 'end c.1 shutdown', 'end a.1 shutdown'];
  assert.deepEqual(log, [...stops, 'init a.2', 'init b.3', 'init c.2']);
  assert.deepEqual(recorder.lines().slice(-4), [
    'crashed inner/b',
    'gave-up inner',
    'restarting inner',
    'restarted inner',
  ]);

  log.length = 0;
  tell(root, 'inner/a', crash);
  await recorder.seen('restarted', 'inner/a');
  tell(root, 'inner/a', crash);
  const ended = await root.ended;
  assert.equal(ended.kind, 'gave-up');
  assert.equal(log.at(-1), 'end first.1 shutdown');
  const chain = (ended as { error: Error }).error;
  assert.match((chain.cause as Error).message, /^inner gave up/);
  assert.equal(((chain.cause as Error).cause as Error).message, 'boom');
});

test('a supervisor that cannot start again uses up the budget of its parent', async () => {
  const log: string[] = [];
  const recorder = new Recorder();
  const init = ({ generation }: { generation: number }) => {
    if (generation > 1) throw new Error('gone for good');
  };
  const inner = supervisor({ id: 'inner', intensity: 0, children: [worker('a', log), worker('b', log, { init })] });
  const root = await startTree(supervisor({ id: 'root', intensity: 2, children: [inner] }), recorder.environment);
  tell(root, 'inner/b', crash);
  assert.equal((await root.ended).kind, 'gave-up');
  assert.equal(recorder.lines().filter((line) => line === 'restarting inner').length, 2);
  assert.equal(root.snapshot().state, 'gave-up');
});
