/**
 * How often all nodes together may ask a provider: a row of `provider_limit`, by the database's clock. A node takes requests
 * in small slices, so that most requests cost no statement; what it does not use within two seconds is lost, never doubled.
 * `closed_until` is everybody's: set by a provider that asks for patience (429) and by a breaker. A database that is away, or
 * does not answer, is "later", not an error.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../database/session.ts';
import type { LimitsSpec } from '../spec/adapter.ts';

export type Granted =
  | { readonly kind: 'granted'; readonly requests: number }
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs: number };

export interface SharedLimit {
  /** Infinity when the provider has no limit; `later` while it is closed. */
  take(): Promise<Granted>;
  /** Until `afterMs` from now nobody asks. Never shortens. */
  close(afterMs: number, why: string): Promise<void>;
}

export interface SharedLimitOptions {
  readonly database: Pick<Database, 'query'>;
  readonly syncType: string;
  readonly limits: Pick<LimitsSpec, 'requestsPerSecond' | 'burst'>;
}

/** A node holds a quarter of a second's requests, at least one. */
const sliceMs = 250;
const patienceMs = 3_000;
const databaseAwayMs = 2_000;

const ensureRow = 'insert into provider_limit (sync_type) values ($1) on conflict do nothing';

/**
 * The generic cell rate algorithm: $2 requests wanted, $3 seconds between two, $4 how many may come at once. One row:
 * what was granted, and else how long to wait.
 */
const takeSlice = `
  with now as (select clock_timestamp() as at), seen as (
    select p.sync_type, n.at, greatest(p.spaced_to, n.at) as spaced_to,
      case when p.closed_until > n.at then p.closed_until end as closed_until, p.closed_why
    from provider_limit p, now n where p.sync_type = $1 for no key update of p
  ), given as (
    select s.*, case when s.closed_until is not null then 0 else least($2::int, greatest(0, floor(
      ($4::int * $3::float8 - extract(epoch from s.spaced_to - s.at)) / $3::float8 + 1e-6)::int)) end as requests
    from seen s
  ), moved as (
    update provider_limit p set spaced_to = g.spaced_to + make_interval(secs => g.requests * $3::float8)
    from given g where p.sync_type = g.sync_type and g.requests > 0
  )
  select requests, closed_why as "closedWhy",
    ceil(1000 * extract(epoch from coalesce(closed_until, spaced_to + make_interval(secs => (1 - $4::int) * $3::float8)) - at))::int as "afterMs",
    closed_until is not null as closed
  from given`;

const lookIfClosed = `
  select ceil(1000 * extract(epoch from closed_until - clock_timestamp()))::int as "afterMs", closed_why as "closedWhy"
  from provider_limit where sync_type = $1 and closed_until > clock_timestamp()`;

const closeIt = `
  insert into provider_limit (sync_type, closed_until, closed_why)
  values ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000), $3)
  on conflict (sync_type) do update set closed_until = excluded.closed_until, closed_why = excluded.closed_why
  where provider_limit.closed_until is null or provider_limit.closed_until < excluded.closed_until`;

export function sharedLimit({ database, syncType, limits }: SharedLimitOptions): SharedLimit {
  const { requestsPerSecond, burst } = limits;
  let isThere = false;

  async function slice(perSecond: number): Promise<Granted> {
    if (!isThere) await database.query(ensureRow, [syncType]);
    isThere = true;
    const wanted = Math.max(1, Math.min(burst, Math.floor((perSecond * sliceMs) / 1_000)));
    const [row] = await database.query<{ requests: number; afterMs: number; closed: boolean; closedWhy: string }>(
      takeSlice,
      [syncType, wanted, 1 / perSecond, burst],
    );
    if (!row) {
      isThere = false;
      return { kind: 'later', reason: `the limit of ${syncType} was removed; it is made again`, afterMs: 1_000 };
    }
    if (row.requests > 0) return { kind: 'granted', requests: row.requests };
    const reason = row.closed ? row.closedWhy : `${syncType} may be asked ${perSecond} times a second`;
    return { kind: 'later', reason, afterMs: Math.max(1, row.afterMs) };
  }

  async function look(): Promise<Granted> {
    const [row] = await database.query<{ afterMs: number; closedWhy: string }>(lookIfClosed, [syncType]);
    if (!row) return { kind: 'granted', requests: Infinity };
    return { kind: 'later', reason: row.closedWhy, afterMs: Math.max(1, row.afterMs) };
  }

  async function within<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    const over = new AbortController();
    const late = delay(patienceMs, null, { signal: over.signal }).then(() => {
      throw new Error('the database did not answer in time');
    });
    late.catch(() => {});
    return Promise.race([work, late]).finally(() => over.abort());
  }

  return {
    async take() {
      try {
        return await within(requestsPerSecond === undefined ? look() : slice(requestsPerSecond));
      } catch (error) {
        const reason = `the limit of ${syncType} cannot be read: ${(error as Error).message}`;
        return { kind: 'later', reason, afterMs: databaseAwayMs };
      }
    },
    async close(afterMs, why) {
      // what cannot be written is found out by the next session again
      await within(database.query(closeIt, [syncType, afterMs, why])).catch(() => {});
    },
  };
}
