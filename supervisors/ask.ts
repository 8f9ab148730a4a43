/**
 * A question to an actor, answered through the `Reply` inside the message:
 *
 *     const total = await ask(counter, (reply: Reply<number>) => ({ kind: 'total', reply }), { deadlineMs: 1_000 });
 *
 * The first answer counts, later ones are ignored. The promise rejects with an `AskError` as soon as no answer can be
 * relied on: `full` or `down` if the message was not taken, `down` the moment the target's incarnation dies, `deadline`
 * after `deadlineMs`. The question itself is not taken back: one that waited behind a crash is still handled by the next
 * incarnation, so a question must be harmless when asked again.
 */
import { targetOf } from './address.ts';
import { errorOf } from './end-reason.ts';
import type { ActorRef, Reply } from './types.ts';

export class AskError extends Error {
  override readonly name = 'AskError';
  readonly path: string;
  readonly reason: 'deadline' | 'down' | 'full';
  constructor(path: string, reason: AskError['reason'], why: string, cause?: Error) {
    super(`${path} did not answer: ${why}`, cause === undefined ? undefined : { cause });
    this.path = path;
    this.reason = reason;
  }
}

export interface AskOptions {
  /** From the call on; 0 or more, `Infinity` must be asked for. */
  readonly deadlineMs: number;
}

export function ask<Message, Answer>(
  ref: ActorRef<Message>,
  question: (reply: Reply<Answer>) => Message,
  { deadlineMs }: AskOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (!(deadlineMs >= 0)) throw new RangeError(`ask needs a deadlineMs of 0 or more, not ${deadlineMs}`);
    const target = targetOf(ref);
    const fail = (reason: AskError['reason'], why: string, cause?: Error): void => {
      unwatch();
      cancelTimer();
      reject(new AskError(ref.path, reason, why, cause));
    };
    // Watched before it is sent: an incarnation that dies in between must not be missed.
    const unwatch = target.watch((reason) => fail('down', `it is down (${reason.kind})`, errorOf(reason)));
    const cancelTimer = target.clock.timer(() => fail('deadline', `no answer in ${deadlineMs} ms`), deadlineMs);
    const message = question((answer) => {
      unwatch();
      cancelTimer();
      resolve(answer);
    });
    if (target.accept(message) === 'full') fail('full', 'its mailbox is full');
    // `down` is told by the watch, which knows why.
  });
}
