/** What must hold of every actor's lives, whatever happened to its tree. */
import assert from 'node:assert/strict';
import type { Entry } from './random-tree.ts';

/** One handler at a time; nothing of a generation but its own end after its successor began; generations only grow. */
export function assertOneLifeAtATime(log: readonly Entry[]): void {
  const byPath = Map.groupBy(log, (entry) => entry.path);
  for (const [path, entries] of byPath) {
    let generation = 0;
    let handling = false;
    for (const entry of entries) {
      if (entry.what === 'init') {
        assert.equal(handling, false, `${path}: init while a handler of generation ${generation} runs`);
        assert.equal(entry.generation, generation + 1);
        generation = entry.generation;
      }
      assert.equal(
        entry.generation,
        generation,
        `${path}: ${entry.what} of ${entry.generation} after ${generation} began`,
      );
      if (entry.what === 'begin') {
        assert.equal(handling, false, `${path}: two handlers at once`);
        handling = true;
      }
      if (entry.what === 'finish') handling = false;
    }
  }
}

/** Whoever became ready was terminated, once. */
export function assertTerminatedOnce(log: readonly Entry[]): void {
  const key = (entry: Entry): string => `${entry.path}.${entry.generation}`;
  const ready = log.filter((entry) => entry.what === 'ready').map(key);
  const terminated = log.filter((entry) => entry.what === 'terminate').map(key);
  assert.deepEqual(terminated.toSorted(), ready.toSorted());
}
