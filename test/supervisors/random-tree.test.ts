import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { startTree } from '../../supervisors/tree.ts';
import type { ActorSnapshot, EndReason, Root, SupervisionEvent } from '../../supervisors/types.ts';
import { anyBlows, anyTree, type Blow, type Entry, type Shape, specOf } from './random-tree.ts';
import { idle, Recorder } from './recorder.ts';

type Group = Shape & { kind: 'supervisor' };

interface Run {
  readonly log: readonly Entry[];
  /** Where in the log the ordered stop began, if the tree lived to see it. */
  readonly stopAt: number;
  readonly events: readonly SupervisionEvent[];
  readonly ended: EndReason;
  readonly order: readonly string[];
}

async function run(shape: Group, blows: readonly Blow[]): Promise<Run> {
  const log: Entry[] = [];
  const recorder = new Recorder();
  const root = await startTree(specOf(shape, log), recorder.environment);
  const order = actorsOf(root.snapshot());
  for (const blow of blows) {
    root.ref<Blow['kind']>(order[blow.actor % order.length]!).send(blow.kind);
    await idle(blow.pause);
  }
  await quiet(root, log);
  const stopAt = log.length;
  await root.stop();
  return { log, stopAt, events: recorder.events, ended: await root.ended, order };
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

/** One handler at a time; nothing of a generation but its own end after its successor began; generations only grow. */
function assertOneLifeAtATime({ log, order }: Run): void {
  for (const path of order) {
    let generation = 0;
    let handling = false;
    for (const entry of log.filter((each) => each.path === path)) {
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

/** A supervisor that gave up had used its budget to the last restart; one that did not give up never exceeded it. */
function assertBudgets(shape: Group, { events, ended }: Run): void {
  const groups = new Map<string, Group>();
  const collect = (group: Group, path: string): void => {
    groups.set(path, group);
    group.children.forEach((child, at) => {
      if (child.kind === 'supervisor') collect(child, path === '/' ? `c${at}` : `${path}/c${at}`);
    });
  };
  collect(shape, '/');
  const used = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'restarting') {
      const parent = event.path.includes('/') ? event.path.slice(0, event.path.lastIndexOf('/')) : '/';
      const count = (used.get(parent) ?? 0) + 1;
      used.set(parent, count);
      assert.ok(count <= groups.get(parent)!.intensity, `${parent} restarted ${count} times`);
    }
    if (event.type === 'gave-up') {
      assert.equal(used.get(event.path) ?? 0, groups.get(event.path)!.intensity, `${event.path} gave up early`);
    }
    // Its next generation begins with a fresh budget, at its very start: its children may already use it meanwhile.
    if (event.type === 'restarting' && groups.has(event.path)) used.set(event.path, 0);
  }
  assert.equal(
    events.some((event) => event.type === 'gave-up' && event.path === '/'),
    ended.kind === 'gave-up',
  );
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

/** Whoever became ready was terminated, once. */
function assertTerminatedOnce({ log }: Run): void {
  const key = (entry: Entry): string => `${entry.path}.${entry.generation}`;
  const ready = log.filter((entry) => entry.what === 'ready').map(key);
  const terminated = log.filter((entry) => entry.what === 'terminate').map(key);
  assert.deepEqual(terminated.toSorted(), ready.toSorted());
}

test('whatever crashes in whatever tree: one life at a time, exact budgets, ordered starts and stops', async () => {
  let gaveUp = 0;
  let survived = 0;
  await fc.assert(
    fc.asyncProperty(anyTree, anyBlows, async (shape, blows) => {
      const result = await run(shape, blows);
      assertOneLifeAtATime(result);
      assertBudgets(shape, result);
      assertOrder(result);
      assertTerminatedOnce(result);
      if (result.ended.kind === 'gave-up') gaveUp += 1;
      else survived += 1;
    }),
    { numRuns: 250 },
  );
  assert.ok(gaveUp > 10 && survived > 10, `both ends must occur: ${gaveUp} gave up, ${survived} survived`);
});
