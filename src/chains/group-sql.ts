/**
 * One statement for many completions: every chain row behind its own fence (id, owner, token), the log row of every token,
 * all or nothing. What missed its fence is not among the rows that come back, and nothing was written for it.
 *
 * The arrays come sorted by id, so that rows are locked in the order in which everybody locks them. The `coalesce` around the
 * owner keeps PostgreSQL on the primary key: when it believes that one row has this owner, it reads all rows for it instead
 * and joins them with all of the group.
 *
 * $1 owner, $2 ids, $3 tokens, $4 steps, $5 attempts, $6 traceparents of the attempts, $7 durations in us, $8 outcomes,
 * $9 reasons, $10 outputs, $11 next steps (null: this was the last), $12 whether this node may go on with them,
 * $13 priorities, $14 chain names. The outcome is also the state of a chain that ends. A higher priority that waited 1 s goes
 * first, and a pause holds before the next step.
 */
import { arrayText, type Element } from '../database/array-text.ts';
import type { Tx } from '../database/session.ts';
import { countChildren } from './join-sql.ts';
import { isBroken, isPaused, waitsAbove } from './row-rules.ts';
import type { Run } from './run.ts';
import type { SlotNeed } from './slots.ts';

export const moveMany = moving(false);

/**
 * The same for chains that have to do with others: $15 concurrency keys of the next steps and $16 their limits, $17 how many
 * children the step opened: then the chain waits for them. A chain goes on at once to a step with a key only when it has
 * that key's slot already.
 */
export const moveLinked = moving(true);

function moving(linked: boolean): string {
  const when = (text: string) => (linked ? text : '');
  return `
  with ${linked ? 'locked' : 'given'} as materialized (
    select g.*,
           g.next_step is not null and g.may and not ${isPaused('g.name')}
           and not ${isBroken('g.name', 'g.next_step', 'g.id')} and not ${waitsAbove('g.priority')}
           ${when('and g.children = 0 and (g.next_key is null or g.next_key is not distinct from c.slot_key)')} as go
    from unnest($2::bigint[], $3::bigint[], $4::text[], $5::smallint[], $6::text[], $7::bigint[], $8::text[], $9::text[],
                $10::text[], $11::text[], $12::boolean[], $13::smallint[], $14::text[]
                ${when(', $15::text[], $16::smallint[], $17::int[]')})
         as g (id, token, step, attempt, traceparent, duration_us, outcome, reason, output, next_step, may, priority, name
               ${when(', next_key, next_limit, children')})
         ${when(`,
         lateral (select id, slot_key from chain where chain.id = g.id and chain.owner = $1 and chain.token = g.token
                  for no key update) c`)}
  ), moved as (
    update chain c
    set step = coalesce(l.next_step, c.step),
        previous = coalesce(l.output::jsonb, c.previous),
        state = (case ${when("when l.children > 0 then 'children'")}
                      when l.next_step is null then l.outcome when l.go then 'running'
                      ${when("when l.next_key is not null then 'concurrency'")} else 'ready' end)::chain_state,
        owner = case when l.go then c.owner end,
        token = c.token + l.go::int,
        started_token = case when l.go then c.token + 1 when l.next_step is null then c.started_token end,
        attempt = case when l.next_step is null then c.attempt else l.go::int end,
        rejections = case when l.next_step is null then c.rejections else 0 end,
        rejected_since = case when l.next_step is null then c.rejected_since end,
        suspect = 0,
        reason = l.reason, reason_by = case when l.reason is not null then 'step ' || l.step end,
        since = now(),
        finished_at = case when l.next_step is null then now() end
        ${when(`,
        join_token = case when l.children > 0 then l.token when l.next_step is null then c.join_token end,
        pending = case when l.next_step is null then c.pending else l.children end,
        failed_children = case when l.next_step is null then c.failed_children else 0 end,
        slot_key = l.next_key, slot_limit = l.next_limit`)}
    from ${linked ? 'locked' : 'given'} l
    where c.id = l.id and coalesce(c.owner = $1, false) and c.token = l.token
    returning c.id, c.state, l.token as was, l.step, l.attempt, l.outcome, l.reason, l.output, l.duration_us,
              l.traceparent
  ), logged as (
    insert into step_log (chain_id, token, at, step, attempt, outcome, reason, output, node, started_at, traceparent)
    select id, was, clock_timestamp(), step, attempt, outcome, reason, output::jsonb, $1,
           clock_timestamp() - make_interval(secs => duration_us / 1e6), traceparent
    from moved
  )
  select id, state, reason from moved`;
}

/** Locks the rows that are still these runs': $1 owner, $2 ids, $3 tokens, sorted by id. */
export const lockMany = `
  select c.id
  from unnest($2::bigint[], $3::bigint[]) as g (id, token),
       lateral (select id from chain where chain.id = g.id and chain.owner = $1 and chain.token = g.token
                for no key update) c`;

/** A success or a failure, as it is to be written. */
export interface Completion {
  readonly run: Run;
  readonly durationMs: number;
  readonly outcome: 'succeeded' | 'failed';
  readonly reason: string | null;
  /** JSON text; null keeps what the step before gave. */
  readonly output: string | null;
  /** Null: the chain ends. */
  readonly nextStep: string | null;
  /** Asked when the statement is sent, as the node may have begun to drain. */
  readonly mayContinue: () => boolean;
  /** The concurrency key of the next step. */
  readonly nextSlot: SlotNeed | null;
  /** How many children the step opened; known when its callback has run. */
  readonly children: number;
}

/** Whether the completion concerns other chains, so that `moveLinked` has to write it. */
export function isLinked({ run, nextSlot, children }: Completion): boolean {
  return run.chain.linked !== null || nextSlot !== null || children > 0;
}

export interface Completed {
  /** `running`: it goes on here, under the next token. */
  readonly state: string;
  readonly reason: string | null;
  /** What was stored as the chain's `previous`, when that is not the handler's output. */
  readonly output?: string | null;
}

/** One array, as text, for each parameter of `moveMany` from $2 on. */
export function columnsOf(completions: readonly Completion[]): string[] {
  const column = (value: (completion: Completion) => Element) => arrayText(completions, value);
  return [
    column(({ run }) => run.chain.chainId),
    column(({ run }) => run.chain.token),
    column(({ run }) => run.chain.step),
    column(({ run }) => run.chain.attempt),
    column(({ run }) => run.traceparent),
    // a whole number is told several times faster than a fraction
    column(({ durationMs }) => Math.round(durationMs * 1_000)),
    column(({ outcome }) => outcome),
    column(({ reason }) => reason),
    column(({ output }) => output),
    column(({ nextStep }) => nextStep),
    column(({ mayContinue }) => mayContinue()),
    column(({ run }) => run.chain.priority),
    column(({ run }) => run.chain.name),
  ];
}

/** One array, as text, for each parameter of `moveLinked` from $2 on. */
export function linkedColumnsOf(completions: readonly Completion[]): string[] {
  return [
    ...columnsOf(completions),
    arrayText(completions, ({ nextSlot }) => nextSlot?.key ?? null),
    arrayText(completions, ({ nextSlot }) => nextSlot?.limit ?? null),
    arrayText(completions, ({ children }) => children),
  ];
}

/**
 * Writes the completions and, when some are of children that ended, counts these at their parents as the last statement.
 * `tx` must be a transaction when there are such. Answers are in the order of the completions; null missed its fence.
 */
export async function moveAll(
  tx: Pick<Tx, 'query'>,
  bootId: string,
  completions: readonly Completion[],
): Promise<{ moved: (Completed | null)[]; parents: string[] }> {
  const linked = completions.some(isLinked);
  const values = linked ? linkedColumnsOf(completions) : columnsOf(completions);
  const rows = await tx.query<Completed & { id: string }>(linked ? moveLinked : moveMany, [bootId, ...values]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const moved = completions.map(({ run }) => byId.get(run.chain.chainId) ?? null);
  const ended = completions.filter(
    ({ run, nextStep }) => nextStep === null && byId.has(run.chain.chainId) && isChild(run),
  );
  const parents = await countChildren(
    tx,
    ended.map(({ run }) => run.chain.chainId),
  );
  return { moved, parents };
}

export function isChild({ chain }: Run): boolean {
  return chain.linked !== null && chain.linked.parentId !== null;
}

/** The order in which rows are locked. Ids are decimal text of up to 19 digits. */
export function compareIds(a: Completion, b: Completion): number {
  const [left, right] = [a.run.chain.chainId, b.run.chain.chainId];
  return left.length - right.length || (left < right ? -1 : Number(left > right));
}
