/** A contender's processes as the bench sees them: started, ordered, asked how many steps they ran, ended. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Call, FromContender, Order } from './protocol.ts';

export interface Node {
  readonly pid: number;
  /** Steps that it has run, as it says; only to know when to ask the store. */
  ran(): number;
  /** Rejects when the contender fails or its process ends. */
  ask<T>(call: Call): Promise<T>;
  /** Ends the process, asked first. */
  end(): Promise<void>;
}

const entry = join(import.meta.dirname, 'node-process.ts');
const closeMs = 10_000;

export async function startNode(order: Order): Promise<Node> {
  const child = fork(entry, [JSON.stringify(order)], {
    execArgv: [],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const open = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  let steps = 0;
  let next = 0;
  let over: Error | null = null;
  child.on('message', (message: FromContender) => {
    if (message.told === 'ready') ready.resolve();
    else if (message.told === 'ran') steps = message.steps;
    else if (message.told === 'answer') open.get(message.id)?.resolve(message.value as never);
    else open.get(message.id)?.reject(new Error(`${order.contender}: ${message.error}`));
    if ('id' in message) open.delete(message.id);
  });
  const ended = new Promise<void>((resolve) => {
    const finish = (why: string) => {
      over ??= new Error(`${order.contender} (${order.variant}) ${why}`);
      ready.reject(over);
      for (const { reject } of open.values()) reject(over);
      resolve();
    };
    child.once('error', (error) => finish(`did not start: ${error.message}`));
    child.once('exit', (code, signal) => finish(`ended with ${signal ?? code}`));
  });
  const node: Node = {
    pid: child.pid!,
    ran: () => steps,
    ask<T>(call: Call) {
      if (over) return Promise.reject(over);
      const id = next++;
      return new Promise<T>((resolve, reject) => {
        open.set(id, { resolve, reject });
        child.send({ ...call, id });
      });
    },
    async end() {
      const timer = setTimeout(() => child.kill('SIGKILL'), closeMs);
      await node.ask({ call: 'close' }).catch(() => {});
      disconnect(child);
      await ended;
      clearTimeout(timer);
    },
  };
  try {
    await ready.promise;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return node;
}

function disconnect(child: ChildProcess): void {
  if (child.connected) child.disconnect();
}
