import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { actor, supervisor } from '../../supervisors/actor.ts';
import { startTree } from '../../supervisors/tree.ts';
import type { ActorRef } from '../../supervisors/types.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';
import { crash, type Order, tell, worker } from './worker.ts';

test('one message is handled at a time, in the order sent', async () => {
  const log: string[] = [];
  const root = await startTree(supervisor({ id: 'root', children: [worker('a', log)] }), new Recorder().environment);
  const open = Promise.withResolvers<void>();
  tell(root, 'a', { do: 'wait', until: open.promise });
  for (let n = 0; n < 3_000; n += 1) tell(root, 'a', { do: 'note', text: String(n) });
  await idle();
  assert.equal(log.length, 1);
  open.resolve();
  await idle(3_100);
  assert.deepEqual(
    log.slice(1),
    Array.from({ length: 3_000 }, (_, n) => `note a.1 ${n}`),
  );
  await root.stop();
});

test('a full mailbox answers `full`, counts, and reports once in a while', async () => {
  const clock = new FakeClock();
  const log: string[] = [];
  const recorder = new Recorder({ now: clock.now, timer: clock.timer });
  const a = worker('a', log, { options: { mailbox: 2 } });
  const root = await startTree(supervisor({ id: 'root', children: [a] }), recorder.environment);
  const open = Promise.withResolvers<void>();
  tell(root, 'a', { do: 'wait', until: open.promise });
  await idle();
  const answers = ['1', '2', '3', '4', '5'].map((text) => tell(root, 'a', { do: 'note', text }));
  assert.deepEqual(answers, ['ok', 'ok', 'full', 'full', 'full']);
  assert.deepEqual(
    recorder.of('messages-dropped').map((event) => event.count),
    [1],
  );
  await clock.advance(10_000);
  tell(root, 'a', { do: 'note', text: '6' });
  assert.deepEqual(
    recorder.of('messages-dropped').map((event) => event.count),
    [1, 3],
  );
  assert.equal(root.snapshot().children[0]!.dropped, 4);
  open.resolve();
  await idle();
  assert.equal(tell(root, 'a', { do: 'note', text: '7' }), 'ok');
  await root.stop();
});

test("an actor's own timer passes the mailbox bound, so that a flood cannot stop its clock", async () => {
  const clock = new FakeClock();
  const log: string[] = [];
  const recorder = new Recorder({ now: clock.now, timer: clock.timer });
  const a = worker('a', log, { options: { mailbox: 1 } });
  const root = await startTree(supervisor({ id: 'root', children: [a] }), recorder.environment);
  const open = Promise.withResolvers<void>();
  const code = (context: { after(delayMs: number, message: Order): () => void }) => {
    context.after(100, { do: 'note', text: 'tick' });
    context.after(100, { do: 'note', text: 'cancelled' })();
    return open.promise;
  };
  tell(root, 'a', { do: 'run', code });
  await idle();
  tell(root, 'a', { do: 'note', text: 'flood' });
  await clock.advance(100);
  open.resolve();
  await idle();
  assert.deepEqual(log, ['init a.1', 'note a.1 flood', 'note a.1 tick']);
  await root.stop();
});

test('an actor can send to itself while it starts', async () => {
  const log: string[] = [];
  const a = worker('a', log, { init: ({ self }) => void self.send({ do: 'note', text: 'first' }) });
  const root = await startTree(supervisor({ id: 'root', children: [a] }), new Recorder().environment);
  await idle();
  assert.deepEqual(log, ['init a.1', 'note a.1 first']);
  await root.stop();
});

test('a control message goes through the parse of its actor', async () => {
  const log: string[] = [];
  const deaf = actor({ id: 'deaf', init: () => 0, receive: (state: number, _message: string) => state });
  const spec = supervisor({ id: 'root', children: [worker('a', log), deaf] });
  const root = await startTree(spec, new Recorder().environment);
  assert.equal(root.control('a', 'from outside'), 'ok');
  assert.throws(() => root.control('a', 42), /a note is a string/);
  assert.throws(() => root.control('deaf', 'x'), /deaf takes no control messages/);
  assert.throws(() => root.control('b', 'x'), /no actor b/);
  await idle();
  assert.equal(log.at(-1), 'note a.1 from outside');
  await root.stop();
});

test("each message runs in its sender's trace context, also when it waited behind others or behind a crash", async () => {
  const storage = new AsyncLocalStorage<string>();
  const recorder = new Recorder({
    trace: {
      capture: () => storage.getStore(),
      restore: (captured, run) => storage.run(captured as string, run),
    },
  });
  const seen: string[] = [];
  const see = (where: string): void => void seen.push(`${where}: ${storage.getStore()}`);
  const traced = actor<string, void>({
    id: 'traced',
    init: ({ generation }) => see(`init ${generation}`),
    receive: async (_state, message, { after }) => {
      see(message);
      if (message === 'crash') throw new Error('boom');
      if (message === 'later') after(0, 'timer');
      await idle(1);
      see(`${message} after await`);
    },
    terminate: () => see('terminate'),
  });
  const spec = supervisor({ id: 'root', children: [traced] });
  const root = await storage.run('boot', () => startTree(spec, recorder.environment));
  const ref: ActorRef<string> = root.ref('traced');
  storage.run('span 1', () => ref.send('one'));
  storage.run('span 2', () => ref.send('crash'));
  storage.run('span 3', () => ref.send('three'));
  ref.send('without');
  storage.run('span 4', () => ref.send('later'));
  await recorder.seen('restarted', 'traced');
  while (!seen.includes('timer after await: span 4')) await idle(1);
  await root.stop();
  assert.deepEqual(seen, [
    'init 1: boot',
    'one: span 1',
    'one after await: span 1',
    'crash: span 2',
    'terminate: boot',
    'init 2: boot',
    'three: span 3',
    'three after await: span 3',
    'without: undefined',
    'without after await: undefined',
    'later: span 4',
    'later after await: span 4',
    'timer: span 4',
    'timer after await: span 4',
    'terminate: boot',
  ]);
});

test('what an actor sends while it crashes itself is not delivered to a dead generation', async () => {
  const log: string[] = [];
  const recorder = new Recorder();
  const root = await startTree(supervisor({ id: 'root', children: [worker('a', log)] }), recorder.environment);
  const context = Promise.withResolvers<{ after(delayMs: number, message: Order): () => void; generation: number }>();
  tell(root, 'a', { do: 'run', code: (given) => context.resolve(given) });
  const old = await context.promise;
  tell(root, 'a', crash);
  await recorder.seen('restarted', 'a');
  old.after(0, { do: 'note', text: 'from the dead' })();
  old.after(0, { do: 'note', text: 'from the dead' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(log.at(-1), 'init a.2');
  await root.stop();
});
