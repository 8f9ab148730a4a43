/**
 * Chains that must succeed every so often, although nobody asks for them: a feature that stops silently is told even when
 * nothing fails. Chains pay nothing for it: whoever looks reads what finished since the last look (`chain_finished`) and
 * keeps the last success of each name in `chain_expectation`. Of several nodes one looks, all may read.
 *
 * The time of a pause does not count, nor the time in which no node looked.
 */
import type { Database, Tx } from '../database/session.ts';
import type { Expectation } from './define.ts';
import { isPaused } from './row-rules.ts';

export interface ExpectedChain {
  readonly name: string;
  readonly version: number;
  readonly expect?: Expectation;
}

export interface UnmetExpectation {
  readonly chain: string;
  readonly everyMs: number;
  /** Null: never since this release was first told to expect it. */
  readonly lastSuccessAt: Date | null;
  /** Since when a success was to be expected. */
  readonly since: Date;
}

/** Nodes look every ten seconds; one look in so long is enough. */
const lookEveryMs = 5_000;

/** What each name's newest version expects and did not get. */
export async function findUnmet(
  database: Pick<Database, 'query' | 'transaction'>,
  definitions: readonly ExpectedChain[],
  everyMs = lookEveryMs,
): Promise<UnmetExpectation[]> {
  const newest = new Map<string, ExpectedChain>();
  for (const one of definitions) {
    if ((newest.get(one.name)?.version ?? 0) < one.version) newest.set(one.name, one);
  }
  const expected = [...newest.values()].filter((one) => one.expect);
  if (expected.length === 0) return [];
  const names = expected.map((one) => one.name);
  await database.query(remember, [names]);
  await database.transaction((tx) => look(tx, names, everyMs));
  return database.query<UnmetExpectation & Record<string, unknown>>(readUnmet, [
    names,
    expected.map((one) => one.expect!.successEveryMs),
  ]);
}

async function look(tx: Tx, names: readonly string[], everyMs: number): Promise<void> {
  const mine = await tx.query<{ chain: string; looked_to: Date }>(lockDue, [names, everyMs]);
  if (mine.length === 0) return;
  const chains = mine.map((row) => row.chain);
  const from = new Date(Math.min(...mine.map((row) => row.looked_to.getTime())));
  // before the look: what commits later than this was not open then, or is not passed
  const [settled] = await tx.query<{ at: Date }>(settledUpTo);
  const successes = await tx.query<{ name: string; at: Date }>(newestSuccesses, [from, chains]);
  const at = new Map(successes.map((row) => [row.name, row.at]));
  await tx.query(note, [chains, chains.map((chain) => at.get(chain) ?? null), settled!.at]);
}

const remember = `
  insert into chain_expectation (chain) select * from unnest($1::text[])
  except select chain from chain_expectation
  on conflict (chain) do nothing`;

const lockDue = `
  select chain, looked_to from chain_expectation
  where chain = any ($1) and looked_at <= now() - $2 * interval '1 millisecond'
  order by chain
  for update skip locked`;

/**
 * A chain finishes at the time at which its transaction began, and is seen when that commits: a look must not pass what is
 * still under way. Steps commit within their deadline; a session that somebody forgot holds nothing up for longer.
 */
const settledUpTo = `
  select greatest(least(now(), min(xact_start)) - interval '1 second', now() - interval '20 minutes') as at
  from pg_stat_activity where datname = current_database()`;

export const newestSuccesses = `
  select name, max(finished_at) as at from chain
  where finished_at >= $1 and finished_at is not null and state = 'succeeded' and name = any ($2)
  group by name`;

const note = `
  update chain_expectation e
  set since = case when e.looked_at < now() - interval '1 minute' or ${isPaused('e.chain')} then now() else e.since end,
      last_success_at = greatest(e.last_success_at, seen.at),
      looked_to = greatest(e.looked_to, $3), looked_at = now()
  from unnest($1::text[], $2::timestamptz[]) as seen (chain, at)
  where e.chain = seen.chain`;

const readUnmet = `
  select e.chain, w.every_ms::float8 as "everyMs", e.last_success_at as "lastSuccessAt",
         greatest(e.since, e.last_success_at) as since
  from chain_expectation e join unnest($1::text[], $2::bigint[]) as w (chain, every_ms) on w.chain = e.chain
  where greatest(e.since, e.last_success_at) < now() - w.every_ms * interval '1 millisecond'
    and not ${isPaused('e.chain')}
  order by e.chain`;
