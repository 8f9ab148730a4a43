/**
 * The statements that end a run: each moves the chain row behind its fence (id, owner, token) and appends the log row of
 * the token, or does neither. No row comes back when the fence was missed. None names `state` in its predicate: with the
 * partial index on (owner) in reach PostgreSQL leaves the primary key (79k against 6.5k steps/s, engine.md).
 *
 * $1 id, $2 owner, $3 token, $4 step, $5 attempt, $6 traceparent of the attempt, $7 duration in ms, $8 outcome,
 * $9 reason, $10 output, $11 error; from $12 on each statement's own.
 */

import { linkedOf } from './claim.ts';
import { isBroken, isPaused, mayRunNow, waitsAbove } from './row-rules.ts';

function withLog(update: string): string {
  return `
  with moved as (
    ${update}
    where c.id = $1 and c.owner = $2 and c.token = $3
    returning c.id, c.state, c.reason, c.previous
  ), logged as (
    insert into step_log (chain_id, token, at, step, attempt, outcome, reason, output, error, node, started_at, traceparent)
    select id, $3, clock_timestamp(), $4, $5, $8, $9, $10::jsonb, $11::jsonb, $2,
           clock_timestamp() - make_interval(secs => $7::float8 / 1000), $6
    from moved
  )
  select state, reason, previous from moved`;
}

/**
 * $12 next step, $13 whether this node may go on with it, $14 priority, $15 the chain's name. A higher one that waited 1 s goes
 * first, and a pause holds before the next step.
 */
export const moveToNextStep = movingOn('0');

/** The same; a suspect stays one. */
export const moveSuspectOn = movingOn('c.suspect');

function movingOn(suspect: string): string {
  return withLog(`
    update chain c
    set step = $12, previous = $10::jsonb,
        state = (case when g.go then 'running' else 'ready' end)::chain_state,
        owner = case when g.go then c.owner end,
        token = c.token + g.go::int,
        started_token = case when g.go then c.token + 1 end,
        attempt = g.go::int, rejections = 0, rejected_since = null, suspect = ${suspect},
        reason = null, reason_by = null, since = now()
    from (select $13::boolean and not ${isPaused('$15::text')} and not ${isBroken('$15::text', '$12', '$1')}
                 and not ${waitsAbove('$14::smallint')} as go) g`);
}

/** $12 succeeded or failed. */
export const finish = withLog(`
    update chain c
    set state = $12::chain_state, previous = coalesce($10::jsonb, c.previous), owner = null, suspect = 0,
        reason = $9, reason_by = case when $9::text is not null then 'step ' || $4 end,
        since = now(), finished_at = now()`);

/** $12 ms until the next try, null for none: dead. The attempt stays counted. */
export const recordCrash = withLog(`
    update chain c
    set state = (case when $12::float8 is null then 'dead' else 'timer' end)::chain_state, owner = null,
        run_at = now() + make_interval(secs => coalesce($12::float8, 0) / 1000),
        reason = $9, reason_by = 'engine', since = now(), suspect = 0`);

/**
 * $12 ms until the next try, $13 ms after which waiting is given up, counted from the first rejection, $14 whether the step
 * came further: then both counts begin anew.
 */
export const recordRejection = withLog(`
    update chain c
    set state = (case when g.up then 'dead' else 'timer' end)::chain_state, owner = null,
        run_at = now() + make_interval(secs => $12::float8 / 1000),
        attempt = greatest(c.attempt - 1, 0), rejections = case when $14 then 1 else least(c.rejections + 1, 32000) end,
        rejected_since = case when $14 then now() else coalesce(c.rejected_since, now()) end, suspect = 0,
        reason = case when g.up then 'gave up waiting: ' else '' end || $9::text, reason_by = 'step ' || $4,
        since = now()
    from (select not $14 and rejected_since is not null
                 and now() - rejected_since >= make_interval(secs => $13::float8 / 1000) as up
          from chain where id = $1) g`);

export const block = withLog(`
    update chain c
    set state = 'blocked', owner = null, attempt = greatest(c.attempt - 1, 0),
        reason = $9, reason_by = 'engine', since = now()`);

export const recordUnknown = withLog(`
    update chain c
    set state = 'dead', owner = null, reason = $9, reason_by = 'engine', since = now(), suspect = 0`);

/** The rejection of a step with an intent: nothing has happened. */
export const takeIntentBack = 'delete from effect_intent where chain_id = $1 and step = $2';

/** $12 and $13: the concurrency key of the step, and its limit, that the row did not have. */
export const keepKey = withLog(`
    update chain c
    set state = 'concurrency', owner = null, attempt = greatest(c.attempt - 1, 0), slot_key = $12, slot_limit = $13,
        reason = null, reason_by = null, since = now()`);

/** The first statement of a completing transaction with a callback: nothing runs unless the row is still this run's. */
export const lockByFence = 'select 1 from chain c where c.id = $1 and c.owner = $2 and c.token = $3 for no key update';

/**
 * What the log says about a token, and where the chain is now: $1 id, $2 token, $3 node, $4 time of the claim.
 * A row means: the completion of this token committed.
 */
export const readLog = `
  select l.outcome, c.state, c.owner, c.token, c.step, c.previous, c.reason, ${linkedOf('c')}
  from step_log l join chain c on c.id = l.chain_id
  where l.chain_id = $1 and l.token = $2 and l.node = $3 and l.at >= $4::timestamptz`;

/**
 * Gives chains back, attempt included: $1 owner, $2 ids, $3 tokens, $4 reason. Rows that a commit in flight has locked are
 * left to it. The log row stands under the new token, which no handler ever runs with.
 */
export const releaseHeld = `
  with mine as (
    select c.id from unnest($2::bigint[], $3::bigint[]) as h (id, token), lateral (
      select id from chain where chain.id = h.id and chain.owner = $1 and chain.token = h.token
      for no key update skip locked) c
  ), moved as (
    update chain c
    set state = ${mayRunNow('c')}, owner = null, token = c.token + 1, attempt = greatest(c.attempt - 1, 0), since = now(),
        reason = $4, reason_by = 'engine'
    from mine where c.id = mine.id
    returning c.id, c.token, c.step, c.attempt, c.traceparent
  ), logged as (
    insert into step_log (chain_id, token, step, attempt, outcome, reason, node, traceparent)
    select id, token, step, attempt, 'released', $4, $1, traceparent from moved
  )
  select id from moved`;
