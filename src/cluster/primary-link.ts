/**
 * A node's side of the channel to its primary. The primary is the node's service manager, its alert service and its way to
 * the other nodes; `onLost` tells that the primary has died, once, also when it is asked for afterwards.
 *
 * Sending never throws and never waits: what cannot be sent is lost with the primary. The channel does not keep the process
 * alive, and `close` ends it.
 */
import type { ServiceManager } from '../release/notify.ts';
import type { FromNode, NodeOrder, Question, ToNode } from './messages.ts';

export interface PrimaryLink {
  readonly order: NodeOrder;
  readonly manager: ServiceManager;
  send(message: FromNode): void;
  /** Rejects when the primary is gone or does not answer within `deadlineMs`. */
  ask<Answer>(about: Question, deadlineMs: number): Promise<Answer>;
  /** Each calls `listener` for what comes later; `onStop` and `onLost` also for what came before. */
  onSignal(listener: (chainIds: readonly string[]) => void): () => void;
  onStop(listener: (stop: { code: 0 | 75; why: string }) => void): void;
  onLost(listener: () => void): void;
  close(): void;
}

/** The end of the channel that Node gives to a forked process. */
export type Channel = Pick<NodeJS.Process, 'send' | 'connected' | 'disconnect' | 'channel'> & {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
};

export class NoPrimaryError extends Error {
  override readonly name = 'NoPrimaryError';
}

/** Waits for the order. Rejects with `NoPrimaryError` when this process was not forked by a primary, or lost it. */
export async function joinPrimary(channel: Channel): Promise<PrimaryLink> {
  if (!channel.send || !channel.connected) {
    throw new NoPrimaryError(
      '--node is for the processes that `linekeeper start --processes N` starts, not for people',
    );
  }
  const ordered = Promise.withResolvers<NodeOrder>();
  const stopped = Promise.withResolvers<{ code: 0 | 75; why: string }>();
  const lost = Promise.withResolvers<void>();
  const listeners = new Set<(chainIds: readonly string[]) => void>();
  const waiting = new Map<number, (value: unknown) => void>();
  let questions = 0;
  let closed = false;

  channel.on('message', (message) => {
    const said = message as ToNode;
    switch (said.type) {
      case 'order':
        ordered.resolve(said);
        return;
      case 'signal':
        for (const listener of [...listeners]) listener(said.chainIds);
        return;
      case 'stop':
        stopped.resolve(said);
        return;
      case 'answer':
        waiting.get(said.question)?.(said.value);
        return;
    }
  });
  channel.on('disconnect', () => {
    ordered.reject(new NoPrimaryError('the primary process went away before it said what to do'));
    if (!closed) lost.resolve();
  });

  const send = (message: FromNode) => {
    // the callback takes the error of a channel that closes in this moment
    if (channel.connected) channel.send!(message, undefined, undefined, () => {});
  };
  const order = await ordered.promise;
  // listening keeps the channel, and with it the process, alive
  channel.channel?.unref();

  return {
    order,
    manager: managerOf(order.watchdogMs, send, () => channel.connected),
    send,
    async ask<Answer>(about: Question, deadlineMs: number): Promise<Answer> {
      questions += 1;
      const question = questions;
      const answered = Promise.withResolvers<unknown>();
      const late = setTimeout(
        () => answered.reject(new NoPrimaryError(`the primary did not answer ${about.kind} within ${deadlineMs} ms`)),
        deadlineMs,
      );
      waiting.set(question, answered.resolve);
      send({ type: 'ask', question, about });
      try {
        return (await answered.promise) as Answer;
      } finally {
        clearTimeout(late);
        waiting.delete(question);
      }
    },
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onStop: (listener) => void stopped.promise.then(listener),
    onLost: (listener) => void lost.promise.then(listener),
    close() {
      closed = true;
      if (channel.connected) channel.disconnect?.();
    },
  };
}

/** Only the primary speaks to systemd; what a node would say to it goes to the primary. */
function managerOf(
  watchdogMs: number | null,
  send: (message: FromNode) => void,
  connected: () => boolean,
): ServiceManager {
  let said = '';
  return {
    watchdogMs,
    adminSocket: null,
    ready(status) {
      said = status;
      send({ type: 'ready', status });
      return connected();
    },
    status(status) {
      if (status !== said) send({ type: 'status', status });
      said = status;
    },
    feed: () => send({ type: 'proof' }),
    stopping: (why) => send({ type: 'stopping', why }),
  };
}
