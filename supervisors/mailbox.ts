/**
 * The only file that knows nact. What we take from it is its scheduler, which is sound: each actor gets at most one turn
 * per round of the event loop (setImmediate), actors are served fairly, I/O gets its turn between them, and a turn that
 * returns a promise is over when the promise is.
 *
 * What we leave alone was shown to be unsound in 7.6.2: its crash policies, its child handling, its queries and its
 * names. So: every nact actor is a leaf under one flat parent, a turn is total (it never throws), and should it throw
 * after all, nact is told to stop that actor and `onBroken` hears of it. nact's mailbox holds at most one wake-up per
 * actor; the messages wait in our own queue, which outlives the nact actor.
 *
 * Every `openMailboxes` starts a nact system of its own, whose name nact draws at random (128 bits), because a second
 * system of the same name would steal the first one's messages.
 */
import { dispatch, spawn, start, stop } from 'nact';
import { toError } from './errors.ts';

export type Turn = () => void | Promise<void>;

export interface Mailbox {
  /** Asks for one turn. Nothing happens once the mailbox is closed. */
  wake(): void;
  /** No turn begins any more; one that runs is not interrupted. Idempotent. */
  close(): void;
}

export interface Mailboxes {
  /** `name` is unique among the open mailboxes: the actor's path with `+` for `/`, and its generation. */
  open(name: string, turn: Turn, onBroken: (error: Error) => void): Mailbox;
  close(): void;
}

type NactRef = ReturnType<typeof start>;

const TURN = 'turn';

class NactMailbox implements Mailbox {
  readonly #ref: NactRef;

  constructor(ref: NactRef) {
    this.#ref = ref;
  }

  wake(): void {
    dispatch(this.#ref, TURN as never);
  }

  close(): void {
    stop(this.#ref);
  }
}

export function openMailboxes(): Mailboxes {
  const system = start();
  const parent = spawn(system, () => undefined, 'actors');
  return {
    open: (name, turn, onBroken) =>
      new NactMailbox(
        spawn(parent, () => turn(), name, {
          onCrash: (_message, error, context) => {
            onBroken(toError(error));
            return context.stop;
          },
        }),
      ),
    close: () => stop(system),
  };
}
