/**
 * A running tree: `startTree` builds every child of the spec once, starts them in order and hands back the `Root`.
 *
 * If a child does not start, everything started before it is stopped in reverse order and the promise rejects: with the
 * `StartError` of that actor, or the `GaveUpError` or `DeadlineError` of a supervisor on the way. A wrong spec rejects
 * with a TypeError and starts nothing.
 *
 * When the root gives up its children have been stopped, in order, and `ended` resolves with `gave-up`; the process then
 * decides (exit code 70 in Linekeeper). `stop` ends the tree from outside: `ended` resolves with `shutdown`. Each actor
 * gets its own stop deadline, all together `deadlineMs`; after that the rest is told at once and not waited for. Either
 * way the messages that are left are dropped and counted, and every ref of the tree says `down` from then on.
 *
 * A handler must not await `stop` of its own tree: the stop waits for the handler, until that one's stop deadline.
 *
 * Paths leave the root's own id out: the actor `b` in the supervisor `a` under the root is `a/b`; the root itself is `/`.
 * This file is also the door of the package: what `linekeeper/supervisors` exports is at its end.
 */
import { Cell } from './cell.ts';
import type { Child, SupervisionFacts } from './child.ts';
import { openMailboxes } from './mailbox.ts';
import { runtimeOf } from './runtime.ts';
import { type MakeChild, Supervisor } from './supervisor.ts';
import type { ActorRef, ActorSnapshot, EndReason, Environment, Root, SendResult, SupervisorSpec } from './types.ts';
import { checkSupervisor } from './validation.ts';

const ROOT_PATH = '/';
const ROOT_FACTS: SupervisionFacts = {
  restarts: 0,
  restartsInWindow: 0,
  consecutive: 0,
  waiting: false,
  gaveUp: false,
};

export async function startTree(spec: SupervisorSpec, environment: Environment): Promise<Root> {
  checkSupervisor(spec);
  const mailboxes = openMailboxes();
  const runtime = runtimeOf(environment, mailboxes, (path) => supervisorAt(top, path).administration);
  const end = Promise.withResolvers<EndReason>();

  const makeChild: MakeChild = (child, parentPath, events) => {
    const path = parentPath === ROOT_PATH ? child.id : `${parentPath}/${child.id}`;
    if (child.kind === 'actor') return new Cell<unknown, unknown>(child, path, runtime, events);
    return new Supervisor(child, path, runtime, events, makeChild);
  };
  const close = (reason: EndReason): void => {
    top.discard();
    mailboxes.close();
    end.resolve(reason);
  };
  const top = new Supervisor(spec, ROOT_PATH, runtime, { onEnd: close, onHandled: () => {} }, makeChild);

  try {
    await top.start();
  } catch (thrown) {
    close({ kind: 'shutdown' });
    throw thrown;
  }

  return {
    ref: <Message>(path: string): ActorRef<Message> => cellAt(top, path).ref as ActorRef<Message>,
    control: (path: string, control: unknown): SendResult => cellAt(top, path).control(control),
    children: runtime.childrenOf,
    snapshot: (): ActorSnapshot => top.snapshot(ROOT_FACTS),
    stop: async (deadlineMs = Infinity): Promise<void> => {
      if (!(deadlineMs >= 0)) throw new RangeError(`stop needs a deadlineMs of 0 or more, not ${deadlineMs}`);
      await top.stop(runtime.clock.now() + deadlineMs);
      close({ kind: 'shutdown' });
    },
    ended: end.promise,
  };
}

/** Found by walking down: nothing has to be kept up to date when children come and go. */
function childAt(top: Supervisor, path: string): Child | undefined {
  let child: Child | undefined = top;
  if (path === ROOT_PATH) return child;
  for (const id of path.split('/')) child = child instanceof Supervisor ? child.lineup.slots.get(id)?.child : undefined;
  return child;
}

function cellAt(top: Supervisor, path: string): Cell<unknown, unknown> {
  const child = childAt(top, path);
  if (child instanceof Cell) return child;
  const actors = pathsOf(top, (each) => each instanceof Cell);
  throw new Error(`the tree has no actor ${path}; its actors are: ${actors.join(', ') || 'none'}`);
}

function supervisorAt(top: Supervisor, path: string): Supervisor {
  const child = childAt(top, path);
  if (child instanceof Supervisor) return child;
  const supervisors = pathsOf(top, (each) => each instanceof Supervisor);
  throw new Error(`the tree has no supervisor ${path}; its supervisors are: ${[ROOT_PATH, ...supervisors].join(', ')}`);
}

function pathsOf(parent: Supervisor, wanted: (child: Child) => boolean): string[] {
  return Array.from(parent.lineup.slots.values()).flatMap(({ child }) => [
    ...(wanted(child) ? [child.path] : []),
    ...(child instanceof Supervisor ? pathsOf(child, wanted) : []),
  ]);
}

export { actor, pool, supervisor } from './actor.ts';
export { AskError, type AskOptions, ask } from './ask.ts';
export { AdministrationError, type AdministrationReason, DeadlineError, GaveUpError, StartError } from './errors.ts';
export { type GuardedRun, type GuardPolicy, guard } from './guard.ts';
export * from './types.ts';
