import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actor, pool, supervisor } from '../../supervisors/actor.ts';
import { AdministrationError, startTree } from '../../supervisors/tree.ts';
import type { PoolSpec } from '../../supervisors/types.ts';
import { idle, Recorder } from './recorder.ts';
import { crash, type Order, worker } from './worker.ts';

async function started(given: Partial<PoolSpec> = {}) {
  const log: string[] = [];
  const recorder = new Recorder();
  const spec = supervisor({ id: 'root', children: [pool({ id: 'p', intensity: 5, ...given })] });
  const root = await startTree(spec, recorder.environment);
  return { log, recorder, root, children: root.children('p') };
}

test('a pool starts empty; each child restarts alone, and all share one budget', async () => {
  const { log, recorder, root, children } = await started({ intensity: 2 });
  assert.equal(children.count().known, 0);
  const a = await children.start(worker('a', log));
  const b = await children.start(worker('b', log));
  a.send(crash);
  await recorder.seen('restarted', 'p/a');
  assert.deepEqual(log, ['init a.1', 'init b.1', 'end a.1 crash', 'init a.2']);
  b.send(crash);
  await recorder.seen('restarted', 'p/b');
  b.send(crash);
  await recorder.seen('restarted', 'p');
  assert.equal(recorder.of('gave-up').length, 1);
  assert.equal(children.count().known, 0, 'every generation of a pool begins empty');
  await root.stop();
});

test('a child that ended for good is forgotten: temporary after a crash, transient after its exit, any after a stop', async () => {
  const { log, root, children } = await started();
  const temporary = await children.start(worker('a', log, { options: { restart: 'temporary' } }));
  const transient = await children.start(worker('b', log, { options: { restart: 'transient' } }));
  await children.start(worker('c', log));
  temporary.send(crash);
  transient.send({ do: 'exit' });
  await idle();
  assert.deepEqual(
    children.list().map(({ id }) => id),
    ['c'],
  );
  await children.stop('c');
  assert.equal(children.count().known, 0);
  assert.throws(() => root.ref('p/c'), /no actor p\/c/);
  await root.stop();
});

test('a namesake is another actor: what was sent to the old one never reaches it', async () => {
  const { log, root, children } = await started();
  const old = await children.start(worker('a', log));
  await children.stop('a');
  const next = await children.start(worker('a', log));
  assert.equal(old.send({ do: 'note', text: 'old' }), 'down');
  assert.equal(next.send({ do: 'note', text: 'new' }), 'ok');
  await idle();
  assert.deepEqual(log, ['init a.1', 'end a.1 shutdown', 'init a.1', 'note a.1 new']);
  await root.stop();
});

test('a full pool says so and takes a child again when one has left', async () => {
  const { log, root, children } = await started({ maxChildren: 1 });
  await children.start(worker('a', log));
  const full = (error: unknown) => error instanceof AdministrationError && error.reason === 'full';
  await assert.rejects(children.start(worker('b', log)), full);
  await children.stop('a');
  await children.start(worker('b', log));
  await root.stop();
});

test('the children of a pool are told to stop together, latest first', async () => {
  const { log, root, children } = await started();
  const gate = Promise.withResolvers<void>();
  for (const id of ['a', 'b', 'c']) await children.start(worker(id, log, { terminate: () => gate.promise }));
  const stopping = root.stop();
  await idle();
  assert.deepEqual(log.slice(3), ['end c.1 shutdown', 'end b.1 shutdown', 'end a.1 shutdown']);
  gate.resolve();
  await stopping;
});

test('10,000 children are started, each handles a message, and are stopped one by one', async () => {
  const { root, children } = await started();
  let handled = 0;
  const spec = (id: string) =>
    actor<Order, null>({
      id,
      init: () => null,
      receive: () => {
        handled += 1;
        return null;
      },
    });
  for (let at = 0; at < 10_000; at += 1) (await children.start(spec(`w${at}`))).send({ do: 'exit' });
  await idle(2);
  assert.equal(handled, 10_000);
  assert.deepEqual(children.count(), { known: 10_000, active: 10_000, backoff: 0, stopped: 0 });
  for (let at = 0; at < 10_000; at += 1) await children.stop(`w${at}`);
  assert.equal(children.count().known, 0);
  await root.stop();
});
