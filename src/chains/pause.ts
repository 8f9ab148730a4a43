/**
 * Pauses: rows that say what may not run, who said so, why and until when (design.md section 4). Every claim and every move
 * to a next step looks at them, so nothing new starts from the next statement on; what runs ends its step. The sweep turns
 * ready chains of a pause into `paused` ones, which carry its reason, and gives them back when no pause covers them.
 */
import type { Database } from '../database/session.ts';
import { cleanText } from './payload.ts';
import { holdsNow, isPaused, mayRunNow } from './row-rules.ts';

export interface Pause {
  /** `all`, `chain:<name>` or `provider:<sync type>`. */
  readonly scope: string;
  readonly by: string;
  readonly why: string;
  readonly since: Date;
  /** Null: until a person ends it. */
  readonly until: Date | null;
}

/** The scope or the time of a pause is not right; the message says what would be. */
export class PauseError extends Error {
  override readonly name = 'PauseError';
}

/** What scopes may name. */
export interface PauseScopes {
  readonly chains: readonly string[];
  /** Sync type and its chain. */
  readonly providers: readonly { readonly syncType: string; readonly chain: string }[];
}

/** Sets the pause, or changes the one of that scope. Throws `PauseError`. */
export async function setPause(
  database: Pick<Database, 'query'>,
  scopes: PauseScopes,
  { scope, by, why, until }: Pick<Pause, 'scope' | 'by' | 'why' | 'until'>,
): Promise<Pause> {
  const names = chainNamesOf(scopes, scope);
  if (why.trim() === '') throw new PauseError('say why: whoever finds the chains standing still has to know');
  const [row] = await database.query<Pause & { past: boolean }>(upsert, [
    scope,
    names,
    cleanText(by, 200),
    cleanText(why, 500),
    until,
  ]);
  if (!row) throw new PauseError(`a pause until ${until?.toISOString()} would be over already`);
  return row;
}

/** Resolves to false when there is no such pause. What it held goes on with the next sweep. */
export async function endPause(database: Pick<Database, 'query'>, scope: string): Promise<boolean> {
  return (await database.query('delete from pause where scope = $1 returning scope', [scope])).length > 0;
}

/** Those that hold now, the oldest first. */
export function listPauses(database: Pick<Database, 'query'>): Promise<Pause[]> {
  return database.query<Pause & Record<string, unknown>>(
    `select scope, by, why, since, until from pause p where ${holdsNow} order by since, scope`,
  );
}

function chainNamesOf({ chains, providers }: PauseScopes, scope: string): readonly string[] | null {
  if (scope === 'all') return null;
  const [kind, name = ''] = scope.split(/:(.*)/s);
  if (kind === 'chain') {
    if (chains.includes(name)) return [name];
    throw new PauseError(`there is no chain ${cleanText(name, 80)}; chains are: ${chains.join(', ')}`);
  }
  if (kind === 'provider') {
    const found = providers.find(({ syncType }) => syncType === name);
    if (found) return [found.chain];
    const known = providers.map(({ syncType }) => syncType).join(', ');
    throw new PauseError(`there is no provider ${cleanText(name, 80)}; providers are: ${known}`);
  }
  throw new PauseError(`${cleanText(scope, 80)} is no scope; it is all, chain:<name> or provider:<sync type>`);
}

const upsert = `
  insert into pause (scope, chain_names, by, why, until)
  select $1, $2::text[], $3, $4, $5::timestamptz
  where $5::timestamptz is null or $5::timestamptz > now()
  on conflict (scope) do update set by = excluded.by, why = excluded.why, until = excluded.until
  returning scope, by, why, since, until`;

/** How many chains one sweep moves in either direction. */
export const pausedAtOnce = 5_000;

/** $1 at most so many. Driven by the few pauses, so it costs nothing when there is none. */
export const holdPaused = `
  with covered as materialized (
    select c.id, p.why, p.by
    from pause p
    join lateral (
      select id from chain
      where state = 'ready' and (p.chain_names is null or name = any (p.chain_names))
        and name not like 'node-proof.%'
      order by priority, run_at, id
      limit $1
      for no key update skip locked
    ) c on true
    where ${holdsNow}
  )
  update chain c
  set state = 'paused', token = c.token + 1, reason = covered.why, reason_by = covered.by, since = now()
  from covered where c.id = covered.id
  returning c.id`;

/** $1 at most so many of each name. Walks the names that stand paused, not the chains, to find those that no pause covers. */
export const releasePaused = `
  with recursive names (name) as (
    (select name from chain where state = 'paused' order by name limit 1)
    union all
    select (select c.name from chain c where c.state = 'paused' and c.name > names.name order by c.name limit 1)
    from names where names.name is not null
  ),
  free as materialized (
    select c.id
    from names
    join lateral (
      select id from chain
      where state = 'paused' and name = names.name
      limit $1
      for no key update skip locked
    ) c on true
    where names.name is not null and not ${isPaused('names.name')}
  )
  update chain c
  set state = ${mayRunNow('c')}, token = c.token + 1, reason = null, reason_by = null, since = now()
  from free where c.id = free.id
  returning c.id`;
