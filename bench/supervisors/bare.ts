/** The same measured of nact alone, as its own documentation uses it: no supervision, no bound, no context. */
import { dispatch, query, spawn, start, stop } from 'nact';
import type { Handler } from './supervised.ts';

type Nact = Parameters<typeof dispatch>[0];
interface Order {
  readonly countDown?: () => void;
  readonly sender?: Nact;
}

const receive = (count: number, order: Order): number => {
  order.countDown?.();
  if (order.sender !== undefined) dispatch(order.sender, count as never);
  return count + 1;
};
const behaviour = {
  sync: (count = 0, order: Order) => receive(count, order),
  async: async (count = 0, order: Order) => receive(count, order),
};

/** Messages per second through one actor, all sent at once. */
export async function bareTells(messages: number, handler: Handler): Promise<number> {
  const system = start();
  const ref = spawn(system, behaviour[handler] as never) as Nact;
  const done = Promise.withResolvers<void>();
  let left = messages;
  const order: Order = {
    countDown: () => {
      left -= 1;
      if (left === 0) done.resolve();
    },
  };
  const startedAtMs = performance.now();
  for (let at = 0; at < messages; at += 1) dispatch(ref, order as never);
  await done.promise;
  const perSecond = (messages * 1_000) / (performance.now() - startedAtMs);
  stop(system);
  return perSecond;
}

/** Questions per second, so many under way at a time. */
export async function bareQueries(questions: number, atOnce: number): Promise<number> {
  const system = start();
  const ref = spawn(system, behaviour.sync as never) as Nact;
  const startedAtMs = performance.now();
  const question = (sender: Nact): Order => ({ sender });
  for (let asked = 0; asked < questions; asked += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => query(ref, question as never, 10_000)));
  }
  const perSecond = (questions * 1_000) / (performance.now() - startedAtMs);
  stop(system);
  return perSecond;
}

/** Microseconds per message, spread over so many actors. */
export async function barePerMessageUs(actors: number, messages: number): Promise<number> {
  const system = start();
  const refs = Array.from({ length: actors }, () => spawn(system, behaviour.sync as never) as Nact);
  const done = Promise.withResolvers<void>();
  let left = messages;
  const order: Order = {
    countDown: () => {
      left -= 1;
      if (left === 0) done.resolve();
    },
  };
  const startedAtMs = performance.now();
  for (let at = 0; at < messages; at += 1) dispatch(refs[at % actors]!, order as never);
  await done.promise;
  const us = ((performance.now() - startedAtMs) * 1_000) / messages;
  stop(system);
  return us;
}
