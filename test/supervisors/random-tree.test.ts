import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startTree } from '../../supervisors/tree.ts';
import type { ActorSnapshot, EndReason, Root, SupervisionEvent } from '../../supervisors/types.ts';
import { assertOneLifeAtATime, assertTerminatedOnce } from './life-rules.ts';
import { anyBlows, anyTree, type Blow, type Entry, type Shape, specOf } from './random-tree.ts';
import { idle, Recorder } from './recorder.ts';

type Group = Shape & { kind: 'supervisor' };

interface Run {
  readonly log: readonly Entry[];
  /** Where in the log the ordered stop began, if the tree lived to see it. */
  readonly stopAt: number;
  readonly restarts: readonly Spending[];
  readonly ended: EndReason;
  readonly order: readonly string[];
}

/** One restart taken from the budget of a supervisor's generation, or that generation giving up. */
interface Spending {
  readonly what: 'restarting' | 'gave-up';
  readonly supervisor: string;
  readonly generation: number;
}

async function run(shape: Group, blows: readonly Blow[]): Promise<Run> {
  const log: Entry[] = [];
  const restarts: Spending[] = [];
  const report = (event: SupervisionEvent): void => {
    if (event.type !== 'restarting' && event.type !== 'gave-up') return;
    const supervisor = event.type === 'gave-up' ? event.path : parentOf(event.path);
    restarts.push({ what: event.type, supervisor, generation: generationOf(root.snapshot(), supervisor) });
  };
  const root = await startTree(specOf(shape, log), new Recorder({ report }).environment);
  const order = actorsOf(root.snapshot());
  for (const blow of blows) {
    root.ref<Blow['kind']>(order[blow.actor % order.length]!).send(blow.kind);
    await idle(blow.pause);
  }
  await quiet(root, log);
  const stopAt = log.length;
  await root.stop();
  return { log, stopAt, restarts, ended: await root.ended, order };
}

/** Waits until nothing happens any more: no restart under way, no message waiting, no handler running. */
async function quiet(root: Root, log: readonly Entry[]): Promise<void> {
  for (let before = -1; before !== log.length || !settled(root.snapshot()); ) {
    before = log.length;
    await idle(8);
  }
}

function settled(snapshot: ActorSnapshot): boolean {
  const still = ['running', 'stopped', 'gave-up'].includes(snapshot.state);
  return still && (snapshot.queued === 0 || snapshot.state !== 'running') && snapshot.children.every(settled);
}

function actorsOf(snapshot: ActorSnapshot): string[] {
  return snapshot.kind === 'actor' ? [snapshot.path] : snapshot.children.flatMap(actorsOf);
}

/** A supervisor that gave up had used its budget to the last restart; one that did not give up never exceeded it. */
function assertBudgets(shape: Group, { restarts, ended }: Run): void {
  const used = new Map<string, number>();
  for (const { what, supervisor, generation } of restarts) {
    const key = `${supervisor} ${generation}`;
    const { intensity } = groupAt(shape, supervisor);
    const count = used.get(key) ?? 0;
    if (what === 'gave-up') {
      assert.equal(count, intensity, `${key} gave up after ${count} restarts`);
    } else {
      assert.ok(count < intensity, `${key} restarts once more than ${intensity} times`);
      used.set(key, count + 1);
    }
  }
  const rootGaveUp = restarts.some(({ what, supervisor }) => what === 'gave-up' && supervisor === '/');
  assert.equal(rootGaveUp, ended.kind === 'gave-up');
}

function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '/';
}

function generationOf(snapshot: ActorSnapshot, path: string): number {
  if (snapshot.path === path) return snapshot.generation;
  return Math.max(0, ...snapshot.children.map((child) => generationOf(child, path)));
}

function groupAt(shape: Group, path: string): Group {
  if (path === '/') return shape;
  let group = shape;
  for (const id of path.split('/')) group = group.children[Number(id.slice(1))] as Group;
  return group;
}

/** The first starts came in order, and the final stop (if it came to that) ended those alive in the exact reverse. */
function assertOrder({ log, stopAt, order, ended }: Run): void {
  assert.deepEqual(
    log.filter((entry) => entry.what === 'ready' && entry.generation === 1).map((entry) => entry.path),
    order,
  );
  if (ended.kind !== 'shutdown') return;
  const ends = log.slice(stopAt).filter((entry) => entry.what === 'terminate');
  const positions = ends.map((entry) => order.indexOf(entry.path));
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => b - a),
  );
}

test('whatever crashes in whatever tree: one life at a time, exact budgets, ordered starts and stops', async () => {
  let gaveUp = 0;
  let survived = 0;
  await fc.assert(
    fc.asyncProperty(anyTree, anyBlows, async (shape, blows) => {
      const result = await run(shape, blows);
      assertOneLifeAtATime(result.log);
      assertBudgets(shape, result);
      assertOrder(result);
      assertTerminatedOnce(result.log);
      if (result.ended.kind === 'gave-up') gaveUp += 1;
      else survived += 1;
    }),
    { numRuns: 500 },
  );
  assert.ok(gaveUp > 10 && survived > 10, `both ends must occur: ${gaveUp} gave up, ${survived} survived`);
});
