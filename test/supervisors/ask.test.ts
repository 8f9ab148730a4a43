import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supervisor } from '../../supervisors/actor.ts';
import { addressOf } from '../../supervisors/address.ts';
import { AskError, ask } from '../../supervisors/ask.ts';
import { startTree } from '../../supervisors/tree.ts';
import type { EndReason, Reply } from '../../supervisors/types.ts';
import { FakeClock, idle, Recorder } from './recorder.ts';
import { crash, type Order, tell, worker } from './worker.ts';

async function pair() {
  const clock = new FakeClock();
  const log: string[] = [];
  const recorder = new Recorder({ now: clock.now, timer: clock.timer, random: () => 0.5 });
  const children = [worker('a', log, { options: { mailbox: 3 } }), worker('watcher', log)];
  const root = await startTree(supervisor({ id: 'root', intensity: 10, children }), recorder.environment);
  return { clock, log, recorder, root, a: root.ref<Order>('a') };
}

const generation = (reply: Reply<number>): Order => ({ do: 'generation', reply });
const because = (reason: AskError['reason']) => (error: unknown) =>
  error instanceof AskError && error.reason === reason;

test('an ask resolves with the first answer and leaves no timer behind', async () => {
  const { clock, root, a } = await pair();
  assert.equal(await ask(a, generation, { deadlineMs: 1_000 }), 1);
  assert.deepEqual(
    clock.pendingMs(),
    [30_000].filter((ms) => clock.pendingMs().includes(ms)),
  );
  await root.stop();
});

test('an ask without an answer rejects at its deadline', async () => {
  const { clock, root, a } = await pair();
  const silent = (_reply: Reply<number>): Order => ({ do: 'note', text: 'heard' });
  const asked = assert.rejects(ask(a, silent, { deadlineMs: 1_000 }), because('deadline'));
  await clock.advance(1_000);
  await asked;
  await assert.rejects(ask(a, silent, { deadlineMs: Number.NaN }), RangeError);
  await root.stop();
});

test('an ask rejects at once when its target dies, with the reason as cause', async () => {
  const { root, a } = await pair();
  const question = (_reply: Reply<number>): Order => crash;
  await assert.rejects(ask(a, question, { deadlineMs: Infinity }), (error) => {
    assert.ok(because('down')(error));
    assert.equal(((error as AskError).cause as Error).message, 'boom');
    return true;
  });
  await assert.rejects(ask(a, generation, { deadlineMs: Infinity }), because('down'));
  await root.stop();
});

test('an ask rejects at once when the mailbox is full', async () => {
  const { clock, root, a } = await pair();
  a.send({ do: 'hang' });
  await idle();
  for (let n = 0; n < 3; n += 1) a.send({ do: 'note', text: 'x' });
  await assert.rejects(ask(a, generation, { deadlineMs: 1_000 }), because('full'));
  await Promise.all([root.stop(), clock.advance(5_000)]);
});

test('a handler that finishes during a stop still answers its ask', async () => {
  const { root, a } = await pair();
  const open = Promise.withResolvers<void>();
  const slow = (reply: Reply<string>): Order => ({
    do: 'run',
    code: () => open.promise.then(() => reply('late but whole')),
  });
  const answer = ask(a, slow, { deadlineMs: Infinity });
  await idle();
  const stopped = root.stop();
  await idle();
  open.resolve();
  assert.equal(await answer, 'late but whole');
  await stopped;
});

test('each of a thousand asks gets its own answer', async () => {
  const { root } = await pair();
  const watcher = root.ref<Order>('watcher');
  const echo =
    (n: number) =>
    (reply: Reply<number>): Order => ({ do: 'run', code: () => reply(n) });
  const asked = Array.from({ length: 1_000 }, (_, n) => ask(watcher, echo(n), { deadlineMs: Infinity }));
  assert.deepEqual(
    await Promise.all(asked),
    Array.from({ length: 1_000 }, (_, n) => n),
  );
  await root.stop();
});

test('a monitor calls once when the present incarnation ends, and at once for a target that is down', async () => {
  const { recorder, root, clock, a } = await pair();
  const downs: string[] = [];
  const monitor = (text: string): Order => ({
    do: 'run',
    code: (context) => void context.monitor(a, (reason: EndReason) => void downs.push(`${text} ${reason.kind}`)),
  });
  tell(root, 'watcher', monitor('live'));
  await idle();
  a.send(crash);
  await recorder.seen('crashed', 'a');
  tell(root, 'watcher', monitor('dead'));
  await idle();
  assert.deepEqual(downs, ['live crash', 'dead crash']);
  await clock.advance(50);
  await recorder.seen('restarted', 'a');
  a.send({ do: 'exit' });
  await clock.advance(50);
  await recorder.seen('restarted', 'a', 2);
  assert.equal(downs.length, 2);
  await root.stop();
});

test('a monitor ends with its owner or when cancelled', async () => {
  const { recorder, root, clock, a } = await pair();
  const downs: string[] = [];
  const code = (cancelled: boolean): Order => ({
    do: 'run',
    code: (context) => {
      const cancel = context.monitor(a, () => void downs.push('down'));
      if (cancelled) cancel();
    },
  });
  tell(root, 'watcher', code(true));
  tell(root, 'watcher', code(false));
  tell(root, 'watcher', crash);
  await clock.advance(50);
  await recorder.seen('restarted', 'watcher');
  a.send(crash);
  await recorder.seen('crashed', 'a');
  await idle();
  assert.deepEqual(downs, []);
  await root.stop();
});

test("a monitor callback that throws is its owner's crash and does not stall the target's restart", async () => {
  const { recorder, root, clock, a } = await pair();
  const code: Order = {
    do: 'run',
    code: (context) =>
      void context.monitor(a, () => {
        throw new Error('bad callback');
      }),
  };
  tell(root, 'watcher', code);
  await idle();
  a.send(crash);
  await clock.advance(50);
  await recorder.seen('restarted', 'a');
  await recorder.seen('restarted', 'watcher');
  assert.deepEqual(
    recorder.of('crashed').map((event) => `${event.path} ${event.error.message}`),
    ['a boom', 'watcher bad callback'],
  );
  await root.stop();
});

test('only references of this library can be asked', async () => {
  const fake = { path: 'x', send: () => 'ok' as const };
  await assert.rejects(ask(fake, generation, { deadlineMs: 1 }), /not an actor reference of this library/);
});

test('an ask that is over watches its target no longer', async () => {
  let watching = false;
  const ref = addressOf<Reply<string>>({
    path: 'x',
    clock: new FakeClock(),
    accept: (reply) => {
      reply('answer');
      reply('second answer');
      return 'ok';
    },
    watch: () => {
      watching = true;
      return () => {
        watching = false;
      };
    },
  });
  assert.equal(await ask(ref, (reply: Reply<string>) => reply, { deadlineMs: Infinity }), 'answer');
  assert.equal(watching, false);
});
