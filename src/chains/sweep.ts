/**
 * The sweep: what makes rows move without any signal. It turns timers that are due by the database's clock into ready
 * chains, keeps pauses, blocks chains that no node knows, and gives them back once this one does.
 */
import { cancelAbandoned, countChildren, forgetAbandoned } from './join-sql.ts';
import { holdPaused, pausedAtOnce, releasePaused } from './pause.ts';
import type { Registry } from './registry.ts';
import { mayRunNow } from './row-rules.ts';
import type { Run } from './run.ts';
import type { Sessions } from './sessions.ts';
import type { StopPoints } from './stop-points.ts';

export interface SweepContext {
  readonly sessions: Sessions;
  readonly registry: Registry;
  readonly stopPoints: StopPoints;
  readonly held: ReadonlyMap<string, Run>;
}

const timersAtOnce = 500;
/** Of one abandoned join. */
const cancelledAtOnce = 500;

/** Timers, pauses, joins that nobody waits for. True: there may be more to do at once. */
export async function sweepOnce(context: SweepContext): Promise<boolean> {
  const woken = await wakeTimers(context);
  const paused = await keepPauses(context);
  const cancelled = await cancelChildren(context);
  return woken >= timersAtOnce || paused || cancelled;
}

/** Cancels children of joins that nobody waits for any more. True: there may be more of them. */
async function cancelChildren({ sessions }: SweepContext): Promise<boolean> {
  const [any] = await sessions.engine.query('select from abandoned_join limit 1');
  if (!any) return false;
  return sessions.engine.transaction(async (tx) => {
    const cancelled = await tx.query<{ id: string }>(cancelAbandoned, [cancelledAtOnce]);
    if (cancelled.length === 0) await tx.query(forgetAbandoned);
    await countChildren(
      tx,
      cancelled.map(({ id }) => id),
    );
    return cancelled.length > 0;
  });
}

/** Resolves to the number of timers that became ready. */
async function wakeTimers(context: SweepContext): Promise<number> {
  return context.sessions.engine.transaction(async (tx) => {
    const due = await tx.query<{ id: string; step: string }>(timersDue, [timersAtOnce]);
    for (const { id, step } of due) await context.stopPoints.reach('mid-sweep', id, step);
    for (const { chain } of context.held.values()) {
      await context.stopPoints.reach('mid-sweep', chain.chainId, chain.step);
    }
    return due.length;
  });
}

/** Moves ready chains under a pause, and gives back those that no pause covers any more. True: there may be more of them. */
async function keepPauses({ sessions }: SweepContext): Promise<boolean> {
  const held = await sessions.engine.query(holdPaused, [pausedAtOnce]);
  const released = await sessions.engine.query(releasePaused, [pausedAtOnce]);
  return held.length >= pausedAtOnce || released.length >= pausedAtOnce;
}

/** Blocks chains that this release does not know and that no other node has taken for `afterMs`. Resolves to their ids. */
export async function blockUnknown({ sessions, registry }: SweepContext, afterMs: number): Promise<BlockedChain[]> {
  const blocked: BlockedChain[] = [];
  for (const statement of [blockReady, blockKeyed]) {
    blocked.push(...((await sessions.engine.query(statement, [registry.known, afterMs])) as BlockedChain[]));
  }
  return blocked;
}

export interface BlockedChain {
  readonly id: string;
  readonly name: string;
  readonly step: string;
  readonly reason: string;
}

/** Resolves to the number of blocked chains that this release knows and made ready. */
export async function unblockKnown({ sessions, registry }: SweepContext): Promise<number> {
  const names: string[] = [];
  const versions: number[] = [];
  const steps: string[] = [];
  const goTo: string[] = [];
  for (const { name, version, steps: known } of registry.definitions) {
    for (const step of ['', ...known.map((one) => one.name)]) {
      names.push(name);
      versions.push(version);
      steps.push(step);
      goTo.push(step || known[0]!.name);
    }
  }
  if (names.length === 0) return 0;
  return (await sessions.engine.query(unblock, [names, versions, steps, goTo])).length;
}

export const timersDue = `
  with due as materialized (
    select id from chain where state = 'timer' and run_at <= now() order by run_at limit $1
    for no key update skip locked
  )
  update chain c set state = ${mayRunNow('c')}, since = now() from due where c.id = due.id
  returning c.id, c.step`;

const blockOrphans = (state: string) => `
  with unknown as materialized (
    select id from chain
    where state = '${state}' and since < now() - make_interval(secs => $2::float8 / 1000)
      and not name || ' ' || version = any ($1)
    limit 500
    for no key update skip locked
  )
  update chain c
  set state = 'blocked', since = now(), reason_by = 'engine',
      reason = 'this release does not know chain ' || c.name || ' version ' || c.version
  from unknown where c.id = unknown.id
  returning c.id, c.name, c.step, c.reason`;

// one statement for each, so that each has its partial index
const blockReady = blockOrphans('ready');
const blockKeyed = blockOrphans('concurrency');

const unblock = `
  with known as materialized (
    select c.id, k.go_to
    from chain c
    join unnest($1::text[], $2::smallint[], $3::text[], $4::text[]) as k (name, version, step, go_to)
      on k.name = c.name and k.version = c.version and k.step = c.step
    where c.state = 'blocked' and c.reason_by = 'engine'
    limit 500
    for no key update of c skip locked
  )
  update chain c
  set state = 'ready', step = known.go_to, token = c.token + 1, reason = null, reason_by = null, since = now()
  from known where c.id = known.id
  returning c.id`;
