/** Why none of the hosts is the database, in words. */
import type { ServerFacts } from '../server-facts.ts';
import { DatabaseDownError } from '../session.ts';
import { UnsuitableDatabaseError } from '../suitability.ts';
import type { HostAnswer, Identity, Verdict } from './choose.ts';
import type { DatabaseHost } from './host-list.ts';

/** Every host is another database cluster than the one this installation worked with. */
export class ForeignDatabaseError extends UnsuitableDatabaseError {}

export function noHost(
  hosts: readonly DatabaseHost[],
  verdicts: readonly Verdict[],
  answers: readonly HostAnswer[],
  known: Identity | null,
): Error {
  if (verdicts.every((verdict) => verdict === 'foreign')) return foreign(hosts, answers, known!);
  const [only] = answers;
  if (hosts.length === 1 && only && 'error' in only) return only.error;
  const each = hosts.map(({ name }, at) => {
    return `${hosts.length === 1 ? 'the server' : name} ${words(verdicts[at]!, answers[at]!, known)}`;
  });
  return new DatabaseDownError(each.join('; '));
}

function foreign(hosts: readonly DatabaseHost[], answers: readonly HostAnswer[], known: Identity): Error {
  const own = hosts.map(({ name }, at) => `${name} has ${(answers[at] as { facts: ServerFacts }).facts.system}`);
  const moved =
    hosts.length > 1 ? ', or remove database.json from the state directory if its data was moved on purpose' : '';
  return new ForeignDatabaseError(
    `this is another database cluster: ${own.join(', ')} as its system identifier, and the one of this installation ${known.system}; lead database.url and database.hosts to that one${moved}`,
  );
}

function words(verdict: Verdict, answer: HostAnswer, known: Identity | null): string {
  switch (verdict) {
    case 'standby':
      return 'is a standby and takes no writes';
    case 'read-only':
      return 'is read-only (default_transaction_read_only)';
    case 'old': {
      const { timeline } = (answer as { facts: ServerFacts }).facts;
      return `is an old primary: timeline ${timeline}, and the database went on at ${known?.timeline ?? 'a higher one'}`;
    }
    case 'foreign':
      return 'is another database cluster';
    case 'unknown':
      return 'does not say which cluster it is: grant execute on pg_control_system() to this role';
    case 'away':
      return `cannot be reached: ${(answer as { error: Error }).error.message}`;
    case 'silent':
    case 'primary':
      return 'has not answered in time';
  }
}
