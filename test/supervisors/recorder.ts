/**
 * An environment for tests: no jitter unless asked for, every supervision event kept, and a way to wait for one. Time is
 * either real or a clock the test moves.
 */
import type { Environment, SupervisionEvent } from '../../supervisors/types.ts';

export class Recorder {
  readonly events: SupervisionEvent[] = [];
  readonly environment: Environment;
  readonly #waiting = new Set<() => void>();

  constructor(overrides: Partial<Environment> = {}) {
    this.environment = {
      random: () => 0,
      report: (event) => {
        this.events.push(event);
        for (const check of this.#waiting) check();
      },
      ...overrides,
    };
  }

  /** `type path` of every event so far. */
  lines(): string[] {
    return this.events.map((event) => `${event.type} ${event.path}`);
  }

  of<T extends SupervisionEvent['type']>(type: T): Extract<SupervisionEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<SupervisionEvent, { type: T }>[];
  }

  /** Resolves when `count` events of this type and path have been reported. */
  seen(type: SupervisionEvent['type'], path: string, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.events.filter((event) => event.type === type && event.path === path).length < count) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}

/** A clock that stands still until the test moves it. */
export class FakeClock {
  #nowMs = 0;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();

  readonly now = (): number => this.#nowMs;

  readonly timer = (run: () => void, delayMs: number): (() => void) => {
    const entry = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(entry);
    return () => this.#timers.delete(entry);
  };

  /** When the pending timers are due, from now. */
  pendingMs(): number[] {
    return [...this.#timers].map((timer) => timer.atMs - this.#nowMs).sort((a, b) => a - b);
  }

  /** Moves time, runs what is due in order, and lets everything that follows from it happen. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await idle();
      const [next] = [...this.#timers].filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = endMs;
  }
}

/** Lets every turn that is due now run: an actor needs one round of the event loop per message. */
export async function idle(rounds = 12): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve));
}
