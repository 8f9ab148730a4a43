/**
 * The one place that decides which host is the database; every pool, the prober and whoever needs a URL follow it.
 *
 * `probe` asks all hosts at once and chooses (choose.ts). When the choice is another host, or the same one on another
 * timeline (a name that leads elsewhere now), that is a move: a new term begins, and whoever heard it has dropped what it
 * had in flight before anyone can open a session to the new host. A place of a term that is over opens none any more.
 *
 * Failure: `probe` rejects with what is wrong with each host, or with `ForeignDatabaseError` when every one of them answered
 * and belongs to another cluster. A host that does not answer costs a second when another one is the database, else 4.
 */
import type { Place } from '../place.ts';
import { readFacts, type ServerFacts } from '../server-facts.ts';
import { DatabaseDownError } from '../session.ts';
import { type AskOptions, askAll } from './ask-all.ts';
import { type Choice, choose, type HostAnswer, type Identity, type Verdict } from './choose.ts';
import { type HostMemory, noMemory } from './memory.ts';
import { noHost } from './no-host.ts';

export interface HostsOptions extends AskOptions {
  /** Default: none. */
  readonly memory?: HostMemory;
  /** It moved while no process of this installation ran: nobody has anything in flight. Must not throw. */
  readonly onMovedBefore?: (move: Move) => void;
  /** After every look that changed what was known. Must not throw. */
  readonly onView?: (view: HostsView) => void;
}

export interface HostView {
  readonly name: string;
  readonly verdict: Verdict;
  readonly timeline: number | null;
  readonly error: string | null;
}

export interface HostsView {
  /** Null until one was chosen for the first time. */
  readonly current: { readonly name: string; readonly timeline: number | null } | null;
  readonly hosts: readonly HostView[];
}

export interface Move {
  readonly from: { readonly name: string; readonly timeline: number | null };
  readonly to: { readonly name: string; readonly timeline: number | null };
}

export interface Hosts {
  /** Resolves when one host is the database. For the prober. */
  probe(signal: AbortSignal): Promise<void>;
  /** Of the current host. Throws `DatabaseDownError` while none was chosen. */
  url(): string;
  view(): HostsView;
  /** Follows every move. */
  readonly place: Place;
  /** For one term: after a move it opens nothing any more. */
  termPlace(): Place;
  /** Called in the moment of a move; must not throw. Returns how to stop that. */
  onMoved(listener: (move: Move) => void): () => void;
}

interface Current {
  readonly at: number;
  readonly identity: Identity | null;
}

export function openHosts(options: HostsOptions): Hosts {
  const { hosts, memory = noMemory } = options;
  const listeners = new Set<(move: Move) => void>();
  const recalled = memory.recall();
  let known: Identity | null = recalled;
  let current: Current | null = null;
  let term = 1;
  let view: HostsView = { current: null, hosts: hosts.map(({ name }) => ({ name, ...unasked })) };

  async function probe(signal: AbortSignal): Promise<void> {
    const decide = (answers: readonly HostAnswer[]) => choose(answers, known, current?.at ?? null);
    const answers = await askAll(options, (given) => mayLeave(decide(given), given), signal);
    const choice = decide(answers);
    if (choice.chosen !== null) adopt(choice.chosen, answers[choice.chosen] as { facts: ServerFacts });
    show(choice.verdicts, answers);
    if (choice.chosen === null) throw noHost(hosts, choice.verdicts, answers, known);
  }

  /** The current host is left for one on the same timeline only when it said something itself, or never will. */
  function mayLeave({ chosen }: Choice, answers: readonly HostAnswer[]): boolean {
    if (chosen === null) return false;
    if (current === null || answers[current.at] !== null) return true;
    return (timelineOf(answers[chosen]!) ?? 0) > (current.identity?.timeline ?? 0);
  }

  function adopt(at: number, { facts }: { facts: ServerFacts }): void {
    const { system, timeline } = facts;
    const identity = system !== null && timeline !== null ? { system, timeline } : null;
    const before = current;
    if (before?.at === at && before.identity?.timeline === identity?.timeline) return;
    current = { at, identity };
    if (identity !== null) {
      known = identity;
      memory.keep({ ...identity, host: hosts[at]!.name });
    }
    const to = told(current);
    if (before === null) {
      if (recalled && recalled.timeline < (timeline ?? 0)) {
        options.onMovedBefore?.({ from: { name: recalled.host, timeline: recalled.timeline }, to });
      }
      return;
    }
    term += 1;
    const move = { from: told(before), to };
    for (const listener of [...listeners]) listener(move);
  }

  function told({ at, identity }: Current): { name: string; timeline: number | null } {
    return { name: hosts[at]!.name, timeline: identity?.timeline ?? null };
  }

  function show(verdicts: readonly Verdict[], answers: readonly HostAnswer[]): void {
    const next: HostsView = {
      current: current && told(current),
      hosts: hosts.map(({ name }, at) => ({
        name,
        verdict: verdicts[at]!,
        timeline: timelineOf(answers[at]!),
        error: answers[at] && 'error' in answers[at] ? answers[at].error.message : null,
      })),
    };
    if (JSON.stringify(next) === JSON.stringify(view)) return;
    view = next;
    options.onView?.(next);
  }

  function url(): string {
    if (current === null) throw new DatabaseDownError('no host of the database was found yet');
    return hosts[current.at]!.url;
  }

  async function admit(opened: string, query: Parameters<Place['admit']>[1]): Promise<void> {
    if (opened !== url()) throw new DatabaseDownError('the database moved to another host while a session was opened');
    const facts = await readFacts((text) => query(text));
    const { identity } = current!;
    if (!facts.writable) throw new DatabaseDownError('the server takes no writes');
    if (
      opened !== url() ||
      facts.system !== (identity?.system ?? null) ||
      facts.timeline !== (identity?.timeline ?? null)
    ) {
      throw new DatabaseDownError('the server is not the one that the last probe found');
    }
  }

  return {
    probe,
    url,
    view: () => view,
    place: { url, admit },
    termPlace() {
      const own = term;
      const check = () => {
        if (own !== term) throw new DatabaseDownError('the database moved to another host');
      };
      return {
        url() {
          check();
          return url();
        },
        async admit(opened, query) {
          check();
          await admit(opened, query);
          check();
        },
      };
    },
    onMoved(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const unasked = { verdict: 'silent', timeline: null, error: null } as const;

function timelineOf(answer: HostAnswer): number | null {
  return answer && 'facts' in answer ? answer.facts.timeline : null;
}
