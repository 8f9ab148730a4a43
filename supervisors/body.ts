/** What outlives an incarnation and is lent to it: the description of the actor, its address and its queue. */
import type { ActorLimits } from './child.ts';
import type { MessageQueue } from './queue.ts';
import type { Runtime } from './runtime.ts';
import type { ActorRef, ActorSpec, EndReason } from './types.ts';

export interface Body<Message, State> {
  readonly spec: ActorSpec<Message, State>;
  readonly limits: ActorLimits;
  readonly runtime: Runtime;
  readonly ref: ActorRef<Message>;
  readonly queue: MessageQueue<Message>;
  onEnd(reason: EndReason): void;
  onHandled(): void;
  /** A message from one of its own timers; passes the mailbox bound. */
  acceptOwn(message: Message, trace: unknown): void;
}
