import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GaveUpError } from '../../supervisors/errors.ts';
import { type GuardedRun, guard } from '../../supervisors/guard.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';

const name = 'poller';

test('a loop that throws is reported and run again after a jittered backoff', async () => {
  const clock = new FakeClock();
  const recorder = new Recorder({ now: clock.now, timer: clock.timer, random: () => 0.5 });
  const abort = new AbortController();
  const loop = ({ run, signal }: GuardedRun): Promise<void> => {
    if (run <= 2) throw new Error(`run ${run}`);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  };
  const guarded = guard(loop, { name, signal: abort.signal }, recorder.environment);
  await clock.advance(50);
  await clock.advance(99);
  assert.deepEqual(recorder.lines().slice(2), ['restarted poller', 'crashed poller', 'restarting poller']);
  await clock.advance(1);
  await idle();
  assert.deepEqual(
    recorder.of('restarting').map((event) => event.delayMs),
    [50, 100],
  );
  assert.equal(recorder.of('restarted').length, 2);
  abort.abort();
  await guarded;
});

test('after five failures in a row it gives up by rejecting with the last error as cause', async () => {
  const recorder = new Recorder();
  const loop = async ({ run }: GuardedRun): Promise<void> => {
    throw new Error(`run ${run}`);
  };
  await assert.rejects(guard(loop, { name }, recorder.environment), (error) => {
    assert.ok(error instanceof GaveUpError);
    assert.match(error.message, /poller gave up: it failed 5 times in a row/);
    assert.equal((error.cause as Error).message, 'run 5');
    return true;
  });
  assert.equal(recorder.of('crashed').length, 5);
  assert.equal(recorder.of('gave-up').length, 1);
});

test('onGaveUp takes the giving up instead of a rejection', async () => {
  const gaveUp: Error[] = [];
  const loop = () => Promise.reject(new Error('x'));
  const onGaveUp = (error: Error) => void gaveUp.push(error);
  await guard(loop, { name, consecutive: 1, onGaveUp }, new Recorder().environment);
  assert.equal(gaveUp.length, 1);
});

test('a success or a healthy run begins the count again', async () => {
  const clock = new FakeClock();
  const environment = new Recorder({ now: clock.now, timer: clock.timer }).environment;
  let runs = 0;
  const succeeding = async ({ run, succeeded }: GuardedRun): Promise<void> => {
    runs = run;
    if (run <= 20) succeeded();
    throw new Error('x');
  };
  const rejected = assert.rejects(guard(succeeding, { name, consecutive: 3 }, environment), GaveUpError);
  await clock.advance(0);
  while (runs < 22) await clock.advance(1);
  await rejected;
  assert.equal(runs, 22);

  const lasting = async ({ run }: GuardedRun): Promise<void> => {
    runs = run;
    if (run <= 5) await new Promise<void>((resolve) => clock.timer(resolve, 1_000));
    throw new Error('x');
  };
  runs = 0;
  const gaveUp = assert.rejects(
    guard(lasting, { name, consecutive: 2, healthyAfterMs: 1_000 }, environment),
    GaveUpError,
  );
  for (let second = 0; second < 6; second += 1) await clock.advance(1_000);
  await gaveUp;
  assert.equal(runs, 6);
});

test('a loop that returns although nobody stopped it has failed, unless it is transient', async () => {
  const recorder = new Recorder();
  let runs = 0;
  const loop = async (): Promise<void> => {
    runs += 1;
  };
  await assert.rejects(
    guard(loop, { name, consecutive: 2 }, recorder.environment),
    /returned although nobody stopped it/,
  );
  assert.equal(runs, 2);
  await guard(loop, { name, restart: 'transient' }, recorder.environment);
  assert.equal(runs, 3);
});

test('an abort ends a backoff at once and is no failure', async () => {
  const clock = new FakeClock();
  const recorder = new Recorder({ now: clock.now, timer: clock.timer, random: () => 0.9 });
  const abort = new AbortController();
  const guarded = guard(() => Promise.reject(new Error('x')), { name, signal: abort.signal }, recorder.environment);
  await idle();
  abort.abort();
  await guarded;
  assert.deepEqual(clock.pendingMs(), []);
  assert.deepEqual(recorder.lines(), ['crashed poller', 'restarting poller']);

  const aborted = guard(() => Promise.reject(new Error('x')), { name, signal: abort.signal }, recorder.environment);
  await aborted;
  assert.equal(recorder.events.length, 2);
});
