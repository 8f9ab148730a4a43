/**
 * The constructors of the library's vocabulary. They check what the compiler cannot (ids, bounds) and say what to
 * fix; message and state types flow from the spec:
 *
 *     const counter = actor({
 *       id: 'counter',
 *       init: () => 0,
 *       receive: (count, message: { add: number }) => count + message.add,
 *     });
 *     const spec = supervisor({ id: 'root', strategy: 'rest_for_one', children: [counter] });
 *
 * When `init` takes its context, TypeScript cannot infer the message type any more: write `actor<Message, State>({ … })`.
 */
import type { ActorSpec, PoolSpec, SupervisorSpec } from './types.ts';
import { checkActor, checkPool, checkSupervisor } from './validation.ts';

/** Throws a TypeError that names the option when the spec is wrong. */
export function actor<Message, State>(spec: Omit<ActorSpec<Message, State>, 'kind'>): ActorSpec<Message, State> {
  const whole: ActorSpec<Message, State> = { kind: 'actor', ...spec };
  checkActor(whole);
  return whole;
}

/** Throws a TypeError that names the option when the spec, or that of a child, is wrong. */
export function supervisor(spec: Omit<SupervisorSpec, 'kind'>): SupervisorSpec {
  const whole: SupervisorSpec = { kind: 'supervisor', ...spec };
  checkSupervisor(whole);
  return whole;
}

/** Throws a TypeError that names the option when the spec is wrong. */
export function pool(spec: Omit<PoolSpec, 'kind'>): PoolSpec {
  const whole: PoolSpec = { kind: 'pool', ...spec };
  checkPool(whole);
  return whole;
}
