/**
 * Which of several hosts is the database: a pure decision over what each of them answered.
 *
 * Only one that takes writes, is of the same cluster as before, and is not on a lower timeline than the highest one known.
 * Of those the highest timeline wins, among equals the current one, then the first in order. So an old primary that came
 * back is not gone to, also when it comes first in order, and is left when it was still being used.
 */
import type { ServerFacts } from '../server-facts.ts';

export interface Identity {
  readonly system: string;
  readonly timeline: number;
}

/** Null: no answer in time. */
export type HostAnswer = { readonly facts: ServerFacts } | { readonly error: Error } | null;

/**
 * `primary` takes writes and may be chosen. `old`: takes writes on a timeline that was left: an old primary that came back.
 * `foreign`: another database cluster. `unknown`: takes writes and does not say which cluster it is.
 */
export type Verdict = 'primary' | 'standby' | 'read-only' | 'old' | 'foreign' | 'unknown' | 'away' | 'silent';

export interface Choice {
  readonly verdicts: readonly Verdict[];
  /** Index of the host to work with; null when there is none. */
  readonly chosen: number | null;
}

/** `known`: of the last host that was chosen, also by a process before this one. `current`: its index here. */
export function choose(answers: readonly HostAnswer[], known: Identity | null, current: number | null): Choice {
  const facts = answers.map((answer) => (answer && 'facts' in answer ? answer.facts : null));
  const system = known?.system ?? facts.find((one) => one?.system != null)?.system ?? null;
  const candidates = facts.map((one) => one?.writable === true && isOf(one, system, answers.length));
  const timelines = facts.map((one, at) => (candidates[at] ? (one!.timeline ?? 0) : 0));
  const highest = Math.max(known?.timeline ?? 0, ...timelines);
  const verdicts = facts.map((one, at): Verdict => {
    if (one === null) return answers[at] === null ? 'silent' : 'away';
    if (system !== null && one.system !== null && one.system !== system) return 'foreign';
    if (one.standby) return 'standby';
    if (!one.writable) return 'read-only';
    if (!candidates[at]) return 'unknown';
    return one.timeline !== null && one.timeline < highest ? 'old' : 'primary';
  });
  const first = verdicts.indexOf('primary');
  const chosen = current !== null && verdicts[current] === 'primary' ? current : first;
  return { verdicts, chosen: chosen === -1 ? null : chosen };
}

/** One host alone may keep to itself which cluster it is: there is no other to take it for. */
function isOf(facts: ServerFacts, system: string | null, count: number): boolean {
  return facts.system === null ? count === 1 : system === null || facts.system === system;
}
