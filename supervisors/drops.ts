/**
 * Counts the messages an actor could not take (full, down, left over at its end) and reports them once in a while: the
 * first at once, then at most one `messages-dropped` event in 10 s with the number since the last one. It needs no timer;
 * what is still unreported goes out with the next drop or with `flush`.
 */
import type { Runtime } from './runtime.ts';

const REPORT_EVERY_MS = 10_000;

export class DropCounter {
  total = 0;
  readonly #path: string;
  readonly #runtime: Runtime;
  #unreported = 0;
  #reportedAtMs = -Infinity;

  constructor(path: string, runtime: Runtime) {
    this.#path = path;
    this.#runtime = runtime;
  }

  add(count: number): void {
    this.total += count;
    this.#unreported += count;
    if (this.#runtime.clock.now() - this.#reportedAtMs >= REPORT_EVERY_MS) this.flush();
  }

  flush(): void {
    if (this.#unreported === 0) return;
    const count = this.#unreported;
    this.#unreported = 0;
    this.#reportedAtMs = this.#runtime.clock.now();
    this.#runtime.report({ type: 'messages-dropped', path: this.#path, count });
  }
}
