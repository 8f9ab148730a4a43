/**
 * The table of restart domains in docs/supervision.md, found by trying: the real tree's shape and options run on a clock
 * that the test moves, with jitter at its longest, and one child fails whenever it is started.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeParts } from '../../actors/node.ts';
import { nodeTree } from '../../actors/tree.ts';
import { builtInProviders } from '../../src/providers/built-in.ts';
import { noManager } from '../../src/release/notify.ts';
import {
  actor,
  type ChildSpec,
  type EndReason,
  type SupervisorSpec,
  startTree,
  supervisor,
} from '../../supervisors/tree.ts';
import { FakeClock, idle } from '../supervisors/recorder.ts';

/** At once, by its start deadline, or by the deadline of its first message. */
type Failure = 'crash' | 'hanging start' | 'hanging message';

interface Domain {
  readonly path: string;
  /** Who was started again by its first crash. */
  readonly restarted: readonly string[];
  /** The root's children whose actors were started again before the end. */
  readonly groups: readonly string[];
  readonly crashMs: number;
  readonly startMs: number;
  readonly messageMs: number;
}

/** Whatever has not ended by then goes on for ever. */
const GIVE_UP_LOOKING_MS = 24 * 3_600_000;

/** Only read for its shape and options: nothing of it is started. */
function realTree(): SupervisorSpec {
  const anything: unknown = new Proxy(() => {}, {
    get: (_target, name) => (name === Symbol.iterator ? undefined : name === 'url' ? undefined : anything),
    apply: () => anything,
  });
  const resources = new Proxy({}, { get: (_, name) => (name === 'providers' ? builtInProviders : anything) });
  const ends = { onUnsuitable: () => {}, onGiveUp: () => {}, onRecycle: () => {}, drainMs: () => 10_000 };
  return nodeTree(
    nodeParts(
      resources as never,
      anything as never,
      new Promise(() => {}),
      ends,
      noManager,
      'everything',
      anything as never,
    ),
  );
}

/** The same supervisors and options; the children only say that they started, and the one at `victim` fails from then on. */
function hollow(
  spec: SupervisorSpec,
  parent: string,
  victim: string,
  failure: Failure,
  starts: string[],
): SupervisorSpec {
  const children = spec.children.map((child): ChildSpec => {
    const path = parent === '' ? child.id : `${parent}/${child.id}`;
    if (child.kind === 'supervisor') return hollow(child, path, victim, failure, starts);
    if (child.kind === 'pool') return child;
    return actor<'fail', null>({
      id: child.id,
      ...(child.options === undefined ? {} : { options: child.options }),
      init: (context) => {
        starts.push(path);
        if (path !== victim) return null;
        if (failure === 'hanging start' && context.generation > 1) return new Promise(() => {});
        context.self.send('fail');
        return null;
      },
      receive: () => {
        if (failure === 'hanging message') return new Promise(() => {});
        throw new Error('asked to fail');
      },
    });
  });
  return supervisor({ ...spec, children });
}

function actorPaths(spec: SupervisorSpec, parent = ''): string[] {
  return spec.children.flatMap((child) => {
    const path = parent === '' ? child.id : `${parent}/${child.id}`;
    return child.kind === 'supervisor' ? actorPaths(child, path) : [path];
  });
}

async function fail(spec: SupervisorSpec, victim: string, failure: Failure) {
  const clock = new FakeClock();
  const starts: string[] = [];
  const environment = { report() {}, now: clock.now, timer: clock.timer, random: () => 1 };
  const root = await startTree(hollow(spec, '', victim, failure, starts), environment);
  const first = starts.length;
  let ended: EndReason | null = null;
  void root.ended.then((reason) => {
    ended = reason;
  });
  let restarted: string[] = [];
  await idle();
  while (ended === null && clock.now() < GIVE_UP_LOOKING_MS) {
    const [nextMs] = clock.pendingMs();
    assert.ok(nextMs !== undefined, `${victim}: nobody does anything any more`);
    await clock.advance(nextMs);
    if (restarted.length === 0) restarted = starts.slice(first);
  }
  const ms = ended === null ? Infinity : clock.now();
  await root.stop(0);
  return { ms, restarted, groups: [...new Set(starts.slice(first).map((path) => path.split('/')[0]!))] };
}

async function domainOf(spec: SupervisorSpec, path: string): Promise<Domain> {
  const crash = await fail(spec, path, 'crash');
  const start = await fail(spec, path, 'hanging start');
  const message = await fail(spec, path, 'hanging message');
  const { restarted, groups, ms } = crash;
  return { path, restarted, groups, crashMs: ms, startMs: start.ms, messageMs: message.ms };
}

function row({ path, restarted, groups, crashMs, startMs, messageMs }: Domain): string {
  const seconds = (ms: number) => (ms === Infinity ? 'never' : `${(ms / 1_000).toFixed(1)} s`);
  const alone = restarted.length === 1 && restarted[0] === path ? 'itself' : restarted.join(', ');
  return `| \`${path}\` | ${alone} | ${groups.join(', ')} | ${seconds(crashMs)} | ${seconds(startMs)} | ${seconds(messageMs)} |`;
}

test('docs/supervision.md has the restart domain of each child, and the longest time until exit 70', async () => {
  const spec = realTree();
  const rows: string[] = [];
  for (const path of actorPaths(spec)) rows.push(row(await domainOf(spec, path)));
  const page = readFileSync(join(import.meta.dirname, '../../docs/supervision.md'), 'utf8');
  assert.deepEqual(
    page.split('\n').filter((line) => /^\| `[a-z]+\//.test(line)),
    rows,
    rows.join('\n'),
  );
});
