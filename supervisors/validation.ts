/** What a spec must be. Each rule names the child, the option, the value and what would be right. */
import type { ActorSpec, ChildOptions, ChildSpec, PoolSpec, SupervisorSpec } from './types.ts';

const ID = /^[A-Za-z0-9._-]+$/;
const STRATEGIES = ['one_for_one', 'rest_for_one', 'one_for_all'];
const RESTARTS = ['permanent', 'transient', 'temporary'];

// biome-ignore lint/suspicious/noExplicitAny: any actor will do; the checks are about values
export function checkActor(spec: ActorSpec<any, any>): void {
  checkId(spec.id);
  if (typeof spec.init !== 'function') wrong(spec.id, 'init', spec.init, 'a function');
  if (typeof spec.receive !== 'function') wrong(spec.id, 'receive', spec.receive, 'a function');
  checkOptions(spec.id, spec.options ?? {});
}

export function checkSupervisor(spec: SupervisorSpec): void {
  checkId(spec.id);
  oneOf(spec.id, 'strategy', spec.strategy, STRATEGIES);
  count(spec.id, 'intensity', spec.intensity, 0);
  duration(spec.id, 'periodMs', spec.periodMs);
  checkOptions(spec.id, spec.options ?? {});
  const seen = new Set<string>();
  for (const child of spec.children) {
    checkChild(child);
    if (seen.has(child.id)) throw new TypeError(`supervisor ${spec.id} has two children named ${child.id}: rename one`);
    seen.add(child.id);
  }
}

export function checkPool(spec: PoolSpec): void {
  checkId(spec.id);
  count(spec.id, 'intensity', spec.intensity, 0);
  duration(spec.id, 'periodMs', spec.periodMs);
  count(spec.id, 'maxChildren', spec.maxChildren, 1);
  checkOptions(spec.id, spec.options ?? {});
}

export function checkChild(spec: ChildSpec): void {
  if (spec.kind === 'actor') checkActor(spec);
  else if (spec.kind === 'pool') checkPool(spec);
  else checkSupervisor(spec);
}

function checkOptions(id: string, options: ChildOptions): void {
  oneOf(id, 'options.restart', options.restart, RESTARTS);
  duration(id, 'options.startDeadlineMs', options.startDeadlineMs);
  duration(id, 'options.stopDeadlineMs', options.stopDeadlineMs);
  duration(id, 'options.messageDeadlineMs', options.messageDeadlineMs);
  duration(id, 'options.healthyAfterMs', options.healthyAfterMs);
  duration(id, 'options.backoff.baseMs', options.backoff?.baseMs);
  duration(id, 'options.backoff.capMs', options.backoff?.capMs);
  count(id, 'options.mailbox', options.mailbox, 1);
  count(id, 'options.consecutive', options.consecutive, 1);
}

function checkId(id: unknown): void {
  if (typeof id === 'string' && ID.test(id)) return;
  throw new TypeError(`${JSON.stringify(id)} is no id: one or more of the letters a to z, digits, "-", "_" and "."`);
}

function oneOf(id: string, option: string, value: unknown, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value as string)) wrong(id, option, value, allowed.join(', '));
}

function duration(id: string, option: string, value: number | undefined): void {
  if (value !== undefined && !(value >= 0)) wrong(id, option, value, 'milliseconds, 0 or more');
}

function count(id: string, option: string, value: number | undefined, least: number): void {
  if (value === undefined || value === Infinity || (Number.isInteger(value) && value >= least)) return;
  wrong(id, option, value, `a whole number of ${least} or more, or Infinity`);
}

function wrong(id: string, option: string, value: unknown, right: string): never {
  throw new TypeError(`${id}: ${option} is ${String(value)}, but must be ${right}`);
}
