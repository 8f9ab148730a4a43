/**
 * The children of one supervisor, in start order: those of its spec, made once and kept, and those added at run time,
 * which go with the supervisor's generation. Adding, finding and removing one cost the same however many there are.
 */
import type { Child } from './child.ts';
import { RestartRound, type RoundHost } from './restart-round.ts';
import { Slot } from './slot.ts';
import type { ChildSpec, PoolSpec, SupervisorSpec } from './types.ts';

export class Lineup {
  /** By id, in start order. */
  readonly slots = new Map<string, Slot>();
  readonly maxChildren: number;
  /** The one round of a group strategy; null where every child restarts alone. Anew per generation. */
  groupRound: RestartRound | null = null;
  readonly #spec: SupervisorSpec | PoolSpec;
  readonly #host: RoundHost;
  readonly #makeChild: (spec: ChildSpec, slot: () => Slot) => Child;
  readonly #fixed: readonly Slot[];
  #nextOrder = 0;

  constructor(
    spec: SupervisorSpec | PoolSpec,
    host: RoundHost,
    makeChild: (spec: ChildSpec, slot: () => Slot) => Child,
  ) {
    this.#spec = spec;
    this.#host = host;
    this.#makeChild = makeChild;
    this.maxChildren = spec.kind === 'pool' ? (spec.maxChildren ?? Infinity) : Infinity;
    this.#fixed = spec.kind === 'pool' ? [] : spec.children.map((child) => this.#newSlot(child, false));
    this.reset();
  }

  /** The children of the spec, none of those added later. */
  reset(): void {
    for (const slot of this.slots.values()) if (slot.added) slot.child.discard();
    this.slots.clear();
    const alone = this.#spec.kind === 'pool' || (this.#spec.strategy ?? 'one_for_one') === 'one_for_one';
    this.groupRound = alone ? null : new RestartRound(() => [...this.slots.values()], this.#host);
    for (const slot of this.#fixed) {
      slot.reset();
      this.#take(slot);
    }
  }

  add(spec: ChildSpec): Slot {
    const slot = this.#newSlot(spec, true);
    this.#take(slot);
    return slot;
  }

  remove(slot: Slot): void {
    if (this.slots.get(slot.id) === slot) this.slots.delete(slot.id);
    slot.child.discard();
  }

  /** Whether a child that ended for good loses its place too. */
  forgets(slot: Slot): boolean {
    return this.#spec.kind === 'pool' || (slot.added && slot.child.policy.restart === 'temporary');
  }

  latestFirst(): readonly Slot[] {
    return [...this.slots.values()].reverse();
  }

  #newSlot(spec: ChildSpec, added: boolean): Slot {
    const child = this.#makeChild(spec, () => slot);
    const slot = new Slot(spec, this.#nextOrder, added, child);
    this.#nextOrder += 1;
    return slot;
  }

  #take(slot: Slot): void {
    const alone = [slot];
    slot.round = this.groupRound ?? new RestartRound(() => alone, this.#host);
    this.slots.set(slot.id, slot);
  }
}
