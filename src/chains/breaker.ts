/**
 * Breakers: a step of a chain that crashed 20 times within a minute, and in more than half of its runs, is stopped: its
 * chains wait in the state `breaker`, and one of them may try every minute. The first try that does not crash closes it.
 * Every node counts what it ran itself; a breaker is a row, so all of them hold the step. Outcomes (rejected, failed) are no
 * crashes: they have their own waits.
 */
import type { Alerts } from '../alerts/alerts.ts';
import type { Database } from '../database/session.ts';
import { maskText } from '../log/mask.ts';
import type { BreakerLimits } from './breaker-limits.ts';
import type { Decision } from './decision.ts';
import { cleanText } from './payload.ts';
import { mayRunNow } from './row-rules.ts';
import type { Run } from './run.ts';

export interface Breakers {
  /** Counts how a run ended. Never rejects. */
  note(run: Run, decision: Decision): void;
  /** Holds the chains of open breakers, lets probes go and gives back what is closed. True: there may be more to move. */
  sweep(): Promise<boolean>;
}

export interface BreakerContext {
  readonly engine: Pick<Database, 'query'>;
  readonly alerts: Pick<Alerts, 'raise' | 'resolve'>;
  readonly nowMs: () => number;
  readonly limits: BreakerLimits;
  readonly onError: (error: unknown) => void;
}

interface Open {
  readonly chain: string;
  readonly step: string;
  readonly probe: string | null;
}

/** So many buckets make up the window. */
const buckets = 12;

export function createBreakers(context: BreakerContext): Breakers {
  const { engine, limits } = context;
  const counts = new Map<string, ReturnType<typeof slidingCount>>();
  let open = new Map<string, Open>();

  /** Null: there is nothing to do, as for nearly every run. */
  function noteAny(run: Run, decision: Decision): Promise<void> | null {
    const { name, step, chainId } = run.chain;
    const key = `${name} ${step}`;
    const crashed = decision.kind === 'crashed';
    const count = counts.get(key) ?? slidingCount(limits.windowMs);
    counts.set(key, count);
    const { runs, crashes } = count.add(crashed, context.nowMs());
    const known = open.get(key);
    if (known && known.probe === chainId) {
      return crashed ? engine.query(endProbe, [name, step, chainId]).then(() => {}) : close(known);
    }
    if (!known && crashed && crashes >= limits.crashes && crashes * 2 > runs) {
      const error = (decision as { error: Error }).error;
      return openOne(name, step, `${crashes} of ${runs} runs crashed within a minute, the last one: ${error.message}`);
    }
    return null;
  }

  async function openOne(chain: string, step: string, why: string): Promise<void> {
    const reason = maskText(cleanText(why, 500));
    const [row] = await engine.query(insertBreaker, [chain, step, reason, limits.probeMs]);
    open.set(`${chain} ${step}`, { chain, step, probe: null });
    if (!row) return; // another node was first
    context.alerts.raise({
      rule: 'chain.breaker',
      subject: `${chain} ${step}`,
      level: 'critical',
      message: `step ${step} of chain ${chain} is stopped: ${reason}; one chain tries every ${limits.probeMs / 1_000} s, and it goes on by itself when one gets through`,
      detail: { chain, step },
    });
  }

  async function close({ chain, step }: Open): Promise<void> {
    await engine.query('delete from breaker where chain = $1 and step = $2', [chain, step]);
    open.delete(`${chain} ${step}`);
    counts.delete(`${chain} ${step}`);
    context.alerts.resolve('chain.breaker', `${chain} ${step}`);
  }

  return {
    note(run, decision) {
      if (noted.has(decision.kind)) void noteAny(run, decision)?.catch(context.onError);
    },
    async sweep() {
      const [row] = await engine.query<{ open: Open[] | null; held: boolean }>(look);
      open = new Map((row!.open ?? []).map((one) => [`${one.chain} ${one.step}`, one]));
      if (open.size === 0 && !row!.held) return false;
      const held = await engine.query(holdBroken, [movedAtOnce]);
      const released = await engine.query(releaseMended, [movedAtOnce]);
      const probes = await engine.query<{ chain: string; step: string; probe: string }>(letProbe, [limits.probeMs]);
      for (const probe of probes) open.set(`${probe.chain} ${probe.step}`, probe);
      return held.length >= movedAtOnce || released.length >= movedAtOnce;
    },
  };
}

const noted: ReadonlySet<Decision['kind']> = new Set(['succeeded', 'failed', 'rejected', 'crashed']);

/** Runs and crashes of the last `windowMs`, a twelfth more at most. */
function slidingCount(windowMs: number) {
  const runs = new Array<number>(buckets).fill(0);
  const crashes = new Array<number>(buckets).fill(0);
  let last = 0;
  return {
    add(crashed: boolean, nowMs: number): { runs: number; crashes: number } {
      const bucket = Math.floor(nowMs / (windowMs / buckets));
      for (let passed = Math.max(last + 1, bucket - buckets + 1); passed <= bucket; passed += 1) {
        runs[passed % buckets] = 0;
        crashes[passed % buckets] = 0;
      }
      last = bucket;
      runs[bucket % buckets]! += 1;
      if (crashed) crashes[bucket % buckets]! += 1;
      const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
      return crashed ? { runs: sum(runs), crashes: sum(crashes) } : { runs: 0, crashes: 0 };
    },
  };
}

const movedAtOnce = 2_000;

const look = `
  select (select json_agg(json_build_object('chain', chain, 'step', step, 'probe', probe_chain_id::text)) from breaker) as open,
         exists (select from chain where state = 'breaker') as held`;

const insertBreaker = `
  insert into breaker (chain, step, reason, probe_at) values ($1, $2, $3, now() + make_interval(secs => $4::float8 / 1000))
  on conflict do nothing returning chain`;

const endProbe = `
  update breaker set probe_chain_id = null where chain = $1 and step = $2 and probe_chain_id = $3`;

/** $1 at most so many of each breaker. */
const holdBroken = `
  with held as materialized (
    select c.id, b.reason
    from breaker b
    cross join lateral (
      select id from chain
      where state = 'ready' and name = b.chain and step = b.step and id is distinct from b.probe_chain_id
      order by priority, run_at, id
      limit $1
      for no key update skip locked) c
  )
  update chain c
  set state = 'breaker', token = c.token + 1, reason = held.reason, reason_by = 'engine', since = now()
  from held where c.id = held.id
  returning c.id`;

/** $1 at most so many. */
const releaseMended = `
  with free as materialized (
    select id from chain c
    where state = 'breaker' and not exists (select from breaker b where b.chain = c.name and b.step = c.step)
    limit $1
    for no key update skip locked
  )
  update chain c
  set state = ${mayRunNow('c')}, token = c.token + 1, reason = null, reason_by = null, since = now()
  from free where c.id = free.id
  returning c.id`;

/** $1 ms until the next probe. One that waits for nothing else becomes ready: the first in the row. */
const letProbe = `
  with due as materialized (
    select b.chain, b.step, c.id
    from (select * from breaker where probe_at <= now() for update skip locked) b
    cross join lateral (
      select id from chain where state = 'breaker' and name = b.chain and step = b.step
      order by priority, run_at, id limit 1
      for no key update skip locked) c
  ), marked as (
    update breaker b
    set probe_at = now() + make_interval(secs => $1::float8 / 1000), probe_chain_id = due.id
    from due where b.chain = due.chain and b.step = due.step
    returning b.chain, b.step, due.id
  ), freed as (
    update chain c
    set state = ${mayRunNow('c')}, token = c.token + 1, reason = 'tries whether step ' || c.step || ' works again',
        reason_by = 'engine', since = now()
    from marked where c.id = marked.id
  )
  select chain, step, id::text as probe from marked`;
