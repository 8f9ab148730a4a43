import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pool, supervisor } from '../../supervisors/actor.ts';
import { AdministrationError, StartError, startTree } from '../../supervisors/tree.ts';
import type { ActorSnapshot, SupervisionEvent } from '../../supervisors/types.ts';
import { assertOneLifeAtATime, assertTerminatedOnce } from './life-rules.ts';
import { anyTree, type Blow, type Entry, leaf, recordingActor, type Shape, specOf } from './random-tree.ts';
import { idle, Recorder } from './recorder.ts';

type Leaf = Shape & { kind: 'actor' };

/** What is done from outside: to which child (modulo what there is), and how many rounds of the event loop pass after it. */
type Deed = { readonly target: number; readonly pause: number } & (
  | { readonly what: Blow['kind'] | 'stop' | 'restart' | 'delete' }
  | { readonly what: 'start'; readonly shape: Leaf }
);

const place = { target: fc.nat(30), pause: fc.nat(4) };
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    ...place,
    what: fc.constantFrom('throw' as const, 'reject' as const, 'exit' as const, 'spawned' as const),
  }),
  fc.record({ ...place, what: fc.constantFrom('stop' as const, 'restart' as const, 'delete' as const) }),
  fc.record({ ...place, what: fc.constant('start' as const), shape: leaf as fc.Arbitrary<Leaf> }),
);

const scene = fc.record({
  shape: anyTree,
  poolIntensity: fc.integer({ min: 0, max: 4 }),
  deeds: fc.array(deed, { maxLength: 30 }),
  stopInTheMiddle: fc.boolean(),
});

type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never;

/** Timers that are armed: none may be left when the tree has ended. */
class TimerCount {
  armed = 0;
  readonly timer = (run: () => void, delayMs: number): (() => void) => {
    let pending = true;
    const settle = (): void => {
      if (pending) this.armed -= 1;
      pending = false;
    };
    this.armed += 1;
    const handle = setTimeout(() => {
      settle();
      run();
    }, delayMs);
    return () => {
      settle();
      clearTimeout(handle);
    };
  };
}

interface Outcome {
  readonly log: readonly Entry[];
  readonly refusals: number;
  readonly done: number;
}

async function play({ shape, poolIntensity, deeds, stopInTheMiddle }: Scene): Promise<Outcome> {
  const log: Entry[] = [];
  const timers = new TimerCount();
  const intensities = new Map([['t/p', poolIntensity]]);
  noteIntensities(shape, 't/s', intensities);
  const spent = new Map<string, number>();
  // a reporter's throw would not be heard
  const problems: string[] = [];
  const report = (event: SupervisionEvent): void => {
    if (event.type !== 'restarting' && event.type !== 'gave-up') return;
    const path = event.type === 'gave-up' ? event.path : event.path.slice(0, event.path.lastIndexOf('/'));
    const intensity = intensities.get(path);
    if (intensity === undefined) return;
    const key = `${path} ${generationOf(root.snapshot(), path)}`;
    const count = spent.get(key) ?? 0;
    if (event.type === 'gave-up' ? count !== intensity : count >= intensity) {
      problems.push(`${event.type} ${event.path}: ${key} had ${count} restarts of ${intensity}`);
    }
    spent.set(key, count + 1);
  };
  const { environment } = new Recorder({ report, timer: timers.timer });
  const inner = specOf(shape, log, 't/s', 's');
  const options = { consecutive: Infinity };
  const t = supervisor({
    id: 't',
    intensity: Infinity,
    options,
    children: [inner, pool({ id: 'p', intensity: poolIntensity, options })],
  });
  const root = await startTree(supervisor({ id: 'root', children: [t] }), environment);

  let refusals = 0;
  let done = 0;
  const under: Promise<void>[] = [];
  const attempt = (change: Promise<unknown>): void => {
    const fulfilled = (): void => {
      done += 1;
    };
    const count = (error: unknown): void => {
      assert.ok(error instanceof AdministrationError || error instanceof StartError, String(error));
      refusals += 1;
    };
    under.push(change.then(fulfilled, count));
  };
  for (const [at, each] of deeds.entries()) {
    const children = childrenOf(root.snapshot());
    if (children.length === 0) break;
    if (each.what === 'start') {
      if (!children.some(({ path }) => path === 't/p')) continue; // deleted, or t is between two lives
      const spec = recordingActor(`n${at}`, `t/p/n${at}`, each.shape, log);
      attempt(root.children('t/p').start(spec));
    } else {
      const child = children[each.target % children.length]!;
      const parent = child.path.slice(0, child.path.lastIndexOf('/'));
      const id = child.path.slice(parent.length + 1);
      if (each.what === 'stop' || each.what === 'restart' || each.what === 'delete')
        attempt(root.children(parent)[each.what](id));
      else if (child.kind === 'actor') root.ref<Blow['kind']>(child.path).send(each.what as Blow['kind']);
    }
    await idle(each.pause);
  }
  if (!stopInTheMiddle) await Promise.all(under);
  await root.stop();
  await Promise.all(under);
  assert.deepEqual(problems, []);
  const length = log.length;
  await idle(6);
  assert.equal(log.length, length, 'somebody still works after the stop');
  assert.equal(timers.armed, 0, 'a timer is left after the stop');
  assert.equal(childrenOf(root.snapshot()).filter(({ state }) => state !== 'stopped' && state !== 'gave-up').length, 0);
  return { log, refusals, done };
}

/** All below the tree's own two supervisors. */
function childrenOf(snapshot: ActorSnapshot): ActorSnapshot[] {
  return snapshot.children.flatMap((child) => [
    ...(child.path.split('/').length > 1 ? [child] : []),
    ...childrenOf(child),
  ]);
}

function noteIntensities(shape: Shape, path: string, into: Map<string, number>): void {
  if (shape.kind === 'actor') return;
  into.set(path, shape.intensity);
  for (const [at, child] of shape.children.entries()) noteIntensities(child, `${path}/c${at}`, into);
}

function generationOf(snapshot: ActorSnapshot, path: string): number {
  if (snapshot.path === path) return snapshot.generation;
  return Math.max(0, ...snapshot.children.map((child) => generationOf(child, path)));
}

test('whatever is crashed, started, stopped, restarted and deleted: one life at a time, exact budgets, nothing left', async () => {
  let refusals = 0;
  let done = 0;
  await fc.assert(
    fc.asyncProperty(scene, async (given) => {
      const outcome = await play(given);
      assertOneLifeAtATime(outcome.log);
      assertTerminatedOnce(outcome.log);
      refusals += outcome.refusals;
      done += outcome.done;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(refusals > 100 && done > 100, `both answers must occur: ${done} done, ${refusals} refused`);
});
