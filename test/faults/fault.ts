/** A fault: something that is done to the stage, on purpose, and that says what it hit. */
import type { Draw } from './draw.ts';
import type { Load } from './load.ts';
import type { Stage } from './stage.ts';

/** Faults of one lane come one after the other, those of different lanes at once. */
export type Lane = 'nodes' | 'stores' | 'network' | 'work';

export interface Fault {
  readonly name: string;
  /** Row of the table in docs/faults.md. */
  readonly row: number;
  readonly lane: Lane;
  /** Too long for the short form. */
  readonly soakOnly?: true;
  /** False: this stage has not what it needs, such as a disk of its own. */
  readonly possible?: (stage: Stage) => boolean;
  /**
   * Does it, and undoes it. Resolves to what it hit, such as "process 7 died with 3 chains", or to null when it hit nothing:
   * nobody was there, or nothing noticed.
   */
  inject(scene: Scene): Promise<string | null>;
}

export interface Scene {
  readonly stage: Stage;
  readonly load: Load;
  readonly draw: Draw;
}

/** Looks again every 20 ms; null after `timeoutMs`. */
export async function soon<T>(look: () => Promise<T | null | false | undefined>, timeoutMs: number): Promise<T | null> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > endMs) return null;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
