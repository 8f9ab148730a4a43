/**
 * The stable address of an actor: what code holds as `ActorRef`. It stays the same over restarts of the actor and of the
 * supervisors above it. What it leads to is private to the library; `targetOf` is the way in for `ask` and `monitor`.
 */
import type { Clock } from './clock.ts';
import type { ActorRef, EndReason, SendResult } from './types.ts';

export interface Target<Message> {
  readonly path: string;
  readonly clock: Clock;
  accept(message: Message): SendResult;
  /**
   * Exactly one call of `onDown`, a function made for this call, for the present incarnation; soon, but never before `watch`
   * returned, if there is none.
   */
  watch(onDown: (reason: EndReason) => void): () => void;
}

class Address<Message> implements ActorRef<Message> {
  readonly path: string;
  readonly #target: Target<Message>;

  constructor(target: Target<Message>) {
    this.path = target.path;
    this.#target = target;
  }

  send(message: Message): SendResult {
    return this.#target.accept(message);
  }

  static targetOf<Message>(ref: ActorRef<Message>): Target<Message> {
    if (typeof ref === 'object' && ref !== null && #target in ref) return (ref as unknown as Address<Message>).#target;
    throw new TypeError('not an actor reference of this library: take it from root.ref(path) or context.self');
  }
}

export function addressOf<Message>(target: Target<Message>): ActorRef<Message> {
  return Object.freeze(new Address(target));
}

export const targetOf: <Message>(ref: ActorRef<Message>) => Target<Message> = Address.targetOf;
