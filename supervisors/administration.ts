/**
 * The children of one running supervisor, changed from outside: what an operator, or an actor that owns a pool, does.
 *
 * Each change of a child waits for the one before it of the same child, then for the supervisor's restart of it that is
 * under way, except `stop`, which interrupts that: it ends a backoff at once and a start by its abort signal. While a
 * child is started by hand its supervisor begins no restart that concerns it; what crashed meanwhile is restarted after.
 *
 * Nothing here takes from the restart budget. A child that was stopped stays stopped: no crash of a sibling starts it
 * again (OTP's group strategies would), only `restart` or the next generation of its supervisor. Deleted ones come back
 * with that too, if they are in the spec; added ones do not, as in OTP.
 *
 * When the supervisor ends, a start under way rejects with a `StartError`, what waits its turn with `supervisor-down`.
 */
import { Cell } from './cell.ts';
import { AdministrationError, StartError, toError } from './errors.ts';
import type { Lineup } from './lineup.ts';
import type { Slot } from './slot.ts';
import type {
  ActorRef,
  ActorSnapshot,
  ActorSpec,
  ChildCount,
  ChildListing,
  Children,
  ChildSpec,
  PoolSpec,
  SupervisorSpec,
} from './types.ts';
import { checkChild } from './validation.ts';

export interface AdministrationHost {
  readonly path: string;
  readonly state: ActorSnapshot['state'];
  readonly generation: number;
  readonly lineup: Lineup;
  onRestarted(slot: Slot): void;
  /** It was stopped for good: drops what waits for it, and forgets it where that is the rule. */
  onFinished(slot: Slot): Promise<void>;
}

/** What came between while it waited: the supervisor is down or another generation, or the child was deleted. */
type Obstacle = () => AdministrationError | null;

export class Administration implements Children {
  readonly #host: AdministrationHost;

  constructor(host: AdministrationHost) {
    this.#host = host;
  }

  start<Message, State>(spec: ActorSpec<Message, State>): Promise<ActorRef<Message>>;
  start(spec: SupervisorSpec | PoolSpec): Promise<void>;
  async start(spec: ChildSpec): Promise<unknown> {
    checkChild(spec);
    pass(this.#notRunning());
    const { lineup } = this.#host;
    const present = lineup.slots.get(spec.id);
    if (present !== undefined) {
      const why = `it has a child ${spec.id} already, which is ${stateOf(present)}; restart it, or delete it first`;
      throw this.#error('already-present', why);
    }
    if (lineup.slots.size >= lineup.maxChildren) {
      throw this.#error('full', `it has its ${lineup.maxChildren} children (maxChildren) and did not start ${spec.id}`);
    }
    const slot = lineup.add(spec);
    // nobody restarts it before it has had its start
    slot.done = true;
    await this.#inTurn(slot, async (obstacle) => {
      try {
        await this.#begin(slot, obstacle);
      } catch (thrown) {
        // it keeps its place until its end is over: a stop of the tree has to wait for that too
        await slot.child.stop(Infinity);
        lineup.remove(slot);
        throw thrown;
      }
    });
    return slot.child instanceof Cell ? slot.child.ref : undefined;
  }

  async stop(id: string): Promise<void> {
    const slot = this.#slotOf(id);
    // before its turn: a start or restart under way ends now, in its error
    void this.#interrupt(slot);
    await this.#inTurn(slot, async (obstacle) => {
      if (obstacle() !== null) return; // then it was stopped with its supervisor
      await this.#interrupt(slot);
      if (obstacle() === null) await this.#host.onFinished(slot);
    });
  }

  async restart(id: string): Promise<void> {
    const slot = this.#slotOf(id);
    await this.#inTurn(slot, async (obstacle) => {
      pass(obstacle());
      await this.#interrupt(slot);
      try {
        await this.#begin(slot, obstacle);
      } catch (thrown) {
        if (obstacle() === null) await this.#host.onFinished(slot);
        throw thrown;
      }
      this.#host.onRestarted(slot);
    });
  }

  async delete(id: string): Promise<void> {
    const slot = this.#slotOf(id);
    await this.#inTurn(slot, async (obstacle) => {
      pass(obstacle());
      const state = stateOf(slot);
      if (state !== 'stopped') throw this.#error('not-stopped', `${id} is ${state}; stop it first`);
      if (!slot.done) throw this.#error('not-stopped', `${id} is about to be restarted; stop it first`);
      this.#host.lineup.remove(slot);
    });
  }

  list(): readonly ChildListing[] {
    return Array.from(this.#host.lineup.slots.values(), (slot) => {
      const { id, kind, child } = slot;
      return { id, kind, path: child.path, state: stateOf(slot), generation: child.generation };
    });
  }

  count(): ChildCount {
    const { slots } = this.#host.lineup;
    const count = { known: slots.size, active: 0, backoff: 0, stopped: 0 };
    for (const slot of slots.values()) {
      const state = stateOf(slot);
      if (state === 'backoff') count.backoff += 1;
      else if (state === 'stopped' || state === 'gave-up') count.stopped += 1;
      else count.active += 1;
    }
    return count;
  }

  /** Starts a child that is down, with its supervisor's restarts held back. */
  async #begin(slot: Slot, obstacle: Obstacle): Promise<void> {
    const { round } = slot;
    while (round.running !== null) await round.running;
    pass(obstacle());
    slot.reset();
    round.hold();
    try {
      await slot.child.start();
    } catch (thrown) {
      slot.done = true;
      // a supervisor that gives up or is late while it starts says so in an error of its own
      throw thrown instanceof StartError ? thrown : new StartError(slot.child.path, toError(thrown));
    } finally {
      round.release();
    }
  }

  /** Ends what it does, and what is done to restart it. */
  #interrupt(slot: Slot): Promise<void> {
    slot.done = true;
    slot.waiting = false;
    slot.round.nudge();
    return slot.child.stop(Infinity);
  }

  #inTurn(slot: Slot, run: (obstacle: Obstacle) => Promise<void>): Promise<void> {
    const { generation, lineup } = this.#host;
    const obstacle = (): AdministrationError | null => {
      const down = this.#notRunning();
      if (down !== null) return down;
      if (generation !== this.#host.generation) return this.#error('supervisor-down', 'it was restarted meanwhile');
      if (lineup.slots.get(slot.id) === slot) return null;
      return this.#error('not-found', `${slot.id} is not its child any more`);
    };
    const turn = () => run(obstacle);
    const mine = slot.administered?.then(turn, turn) ?? turn();
    slot.administered = mine;
    const over = (): void => {
      if (slot.administered === mine) slot.administered = null;
    };
    mine.then(over, over);
    return mine;
  }

  #slotOf(id: string): Slot {
    pass(this.#notRunning());
    const slot = this.#host.lineup.slots.get(id);
    if (slot !== undefined) return slot;
    throw this.#error('not-found', `it has no child ${id}; list() names those it has`);
  }

  #notRunning(): AdministrationError | null {
    const { state } = this.#host;
    if (state === 'running') return null;
    return this.#error('supervisor-down', `its children cannot be changed while it is ${state}`);
  }

  #error(reason: AdministrationError['reason'], why: string): AdministrationError {
    return new AdministrationError(this.#host.path, reason, why);
  }
}

function pass(error: AdministrationError | null): void {
  if (error !== null) throw error;
}

function stateOf(slot: Slot): ActorSnapshot['state'] {
  return slot.child.snapshot(slot.facts(0)).state;
}
