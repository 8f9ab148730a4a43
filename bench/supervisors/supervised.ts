/** What is measured of our own library. Every function resolves to one number; trace context is on, as in the product. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type ActorRef,
  actor,
  ask,
  type ChildOptions,
  type Environment,
  pool,
  type Reply,
  type Root,
  startTree,
  supervisor,
} from '../../supervisors/tree.ts';

type Order = { readonly countDown: () => void } | { readonly answer: Reply<number> } | { readonly crash: true };

const context = new AsyncLocalStorage<unknown>();
const environment: Environment = {
  report: () => {},
  random: () => 0,
  trace: { capture: () => context.getStore(), restore: (captured, run) => context.run(captured, run) },
};
/** One for all: what a stack trace costs is not ours. */
const boom = new Error('asked to crash');
const unlimited: ChildOptions = { mailbox: Infinity, consecutive: Infinity };

function handle(count: number, order: Order): number {
  if ('countDown' in order) order.countDown();
  else if ('answer' in order) order.answer(count);
  else throw boom;
  return count + 1;
}

const counter = (id: string) => actor<Order, number>({ id, options: unlimited, init: () => 0, receive: handle });
const asyncCounter = (id: string) =>
  actor<Order, number>({
    id,
    options: unlimited,
    init: () => 0,
    receive: async (count, order) => handle(count, order),
  });

export type Handler = 'sync' | 'async';

async function started(ids: readonly string[], handler: Handler = 'sync'): Promise<Root> {
  const child = handler === 'sync' ? counter : asyncCounter;
  return startTree(supervisor({ id: 'root', intensity: Infinity, children: ids.map(child) }), environment);
}

/** Messages per second through one actor, all sent at once. */
export async function tells(messages: number, handler: Handler): Promise<number> {
  const root = await started(['a'], handler);
  const perSecond = await toAll([root.ref('a')], messages);
  await root.stop();
  return perSecond;
}

async function toAll(refs: readonly ActorRef<Order>[], messages: number): Promise<number> {
  const done = Promise.withResolvers<void>();
  let left = messages;
  const order: Order = {
    countDown: () => {
      left -= 1;
      if (left === 0) done.resolve();
    },
  };
  const startedAtMs = performance.now();
  for (let at = 0; at < messages; at += 1) refs[at % refs.length]!.send(order);
  await done.promise;
  return (messages * 1_000) / (performance.now() - startedAtMs);
}

/** Questions per second, so many under way at a time. */
export async function asks(questions: number, atOnce: number): Promise<number> {
  const root = await started(['a']);
  const ref = root.ref<Order>('a');
  const startedAtMs = performance.now();
  const question = (answer: Reply<number>): Order => ({ answer });
  for (let asked = 0; asked < questions; asked += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => ask(ref, question, { deadlineMs: 10_000 })));
  }
  const perSecond = (questions * 1_000) / (performance.now() - startedAtMs);
  await root.stop();
  return perSecond;
}

/** Restarts of one child per second: it crashes at every message, without a backoff. */
export async function restarts(count: number): Promise<number> {
  const done = Promise.withResolvers<void>();
  let left = count;
  const crasher = actor<Order, null>({
    id: 'a',
    options: unlimited,
    init: (life) => {
      if (life.generation > 1) left -= 1;
      if (left === 0) done.resolve();
      else life.self.send({ crash: true });
      return null;
    },
    receive: () => {
      throw boom;
    },
  });
  const startedAtMs = performance.now();
  const root = await startTree(supervisor({ id: 'root', intensity: Infinity, children: [crasher] }), environment);
  await done.promise;
  const perSecond = (count * 1_000) / (performance.now() - startedAtMs);
  await root.stop();
  return perSecond;
}

/** Microseconds per message, spread over so many children. */
export async function perMessageUs(children: number, messages: number): Promise<number> {
  const ids = Array.from({ length: children }, (_, at) => `c${at}`);
  const root = await started(ids);
  const refs = ids.map((id) => root.ref<Order>(id));
  await toAll(refs, children); // the first turn of each
  const perSecond = await toAll(refs, messages);
  await root.stop();
  return 1e6 / perSecond;
}

/**
 * Microseconds from a crash to the first message of the next generation, with so many messages waiting behind the crash,
 * or at a sibling: the memory is as full either way.
 */
export async function crashUs(queued: number, behind: 'the crash' | 'a sibling'): Promise<number> {
  const root = await started(['a', 'b']);
  const ref = root.ref<Order>('a');
  const next = Promise.withResolvers<void>();
  let atMs = 0;
  ref.send({
    countDown: () => {
      atMs = performance.now();
      throw boom;
    },
  });
  ref.send({ countDown: next.resolve });
  const full = behind === 'the crash' ? ref : root.ref<Order>('b');
  for (let at = 0; at < queued; at += 1) full.send({ countDown: () => {} });
  await next.promise;
  const us = (performance.now() - atMs) * 1_000;
  await root.stop();
  return us;
}

/** Microseconds per child of a pool that is started, and stopped again by itself. */
export async function perPoolChildUs(count: number): Promise<number> {
  const root = await startTree(supervisor({ id: 'root', children: [pool({ id: 'p' })] }), environment);
  const children = root.children('p');
  const startedAtMs = performance.now();
  for (let at = 0; at < count; at += 1) await children.start(counter(`c${at}`));
  for (let at = 0; at < count; at += 1) await children.stop(`c${at}`);
  const us = ((performance.now() - startedAtMs) * 1_000) / count;
  await root.stop();
  return us;
}
