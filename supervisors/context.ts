/**
 * What a handler can do beside returning its next state. Everything here belongs to one incarnation: timers, monitors and
 * spawned tasks of an ended one are cancelled or ignored, and asking an ended one for more does nothing.
 */
import { targetOf } from './address.ts';
import { toError } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { ActorContext, ActorRef, EndReason } from './types.ts';

export interface Life<Message> {
  readonly generation: number;
  readonly alive: boolean;
  readonly signal: AbortSignal;
  crash(error: Error): void;
  run(task: () => Promise<void>): void;
  sendOwn(message: Message, trace: unknown): void;
  /** Calls `cancel` at the end of the life; the returned function does it earlier. */
  track(cancel: () => void): () => void;
  untrack(cancel: () => void): void;
}

export function contextOf<Message>(
  life: Life<Message>,
  self: ActorRef<Message>,
  runtime: Runtime,
): ActorContext<Message> {
  return {
    self,
    path: self.path,
    generation: life.generation,
    get signal() {
      return life.signal;
    },
    after: (delayMs, message) => {
      if (!(delayMs >= 0)) throw new RangeError(`${self.path}: after() needs a delay of 0 ms or more, not ${delayMs}`);
      const trace = runtime.trace?.capture();
      const cancel = runtime.clock.timer(() => {
        life.untrack(cancel);
        life.sendOwn(message, trace);
      }, delayMs);
      return life.track(cancel);
    },
    spawn: (task) => life.run(task),
    monitor: (target, onDown) => {
      const cancel = targetOf(target).watch((reason: EndReason) => {
        life.untrack(cancel);
        try {
          onDown(reason);
        } catch (thrown) {
          // The callback is the watcher's code, so it is the watcher's crash and nobody else's trouble.
          life.crash(toError(thrown));
        }
      });
      return life.track(cancel);
    },
    children: runtime.childrenOf,
  };
}
