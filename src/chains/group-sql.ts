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
 * $13 priorities, $14 chain names, $15 the token that is the fence: null for a step that another of its chain follows in this
 * statement, and that of the first of them for the last (stretch.ts). The outcome is also the state of a chain that ends. A
 * higher priority that waited 1 s goes first, and a pause holds before the next step: a stretch is then not written at all.
 */
import { arrayText, type Element } from '../database/array-text.ts';
import type { Tx } from '../database/session.ts';
import { countChildren } from './join-sql.ts';
import { isPaused, waitsAbove } from './row-rules.ts';
import type { Run } from './run.ts';
import type { SlotNeed } from './slots.ts';
import type { AheadStep, Stretch } from './stretch.ts';

/** The breaker of its next step is open, or one of a chain of which more than a step is written. */
const isBrokenAhead = `(exists (select from breaker) and exists (
    select from breaker b where b.chain = g.name and (b.step = g.next_step or g.fence <> g.token)
                            and b.probe_chain_id is distinct from g.id))`;

export const moveMany = moving(false);

/**
 * The same for chains that have to do with others: $16 concurrency keys of the next steps and $17 their limits, $18 how many
 * children the step opened: then the chain waits for them. A chain goes on at once to a step with a key only when it has
 * that key's slot already.
 */
export const moveLinked = moving(true);

function moving(linked: boolean): string {
  const clear = `not ${isPaused('g.name')} and not ${isBrokenAhead} and not ${waitsAbove('g.priority')}`;
  const when = (text: string) => (linked ? text : '');
  return `
  with ${linked ? 'locked' : 'given'} as materialized (
    select g.id, g.token, g.step, g.attempt, g.traceparent, g.duration_us, g.outcome, g.reason, g.output::jsonb as output,
           g.next_step, g.fence, ${when('g.next_key, g.next_limit, g.children,')}
           g.next_step is not null and g.may and ${when('g.children = 0 and (g.next_key is null or g.next_key is not distinct from c.slot_key) and')}
           ${clear} as go,
           g.fence is not null and (g.fence = g.token or ${clear}) as whole
    from unnest($2::bigint[], $3::bigint[], $4::text[], $5::smallint[], $6::text[], $7::bigint[], $8::text[], $9::text[],
                $10::text[], $11::text[], $12::boolean[], $13::smallint[], $14::text[], $15::bigint[]
                ${when(', $16::text[], $17::smallint[], $18::int[]')})
         as g (id, token, step, attempt, traceparent, duration_us, outcome, reason, output, next_step, may, priority, name,
               fence ${when(', next_key, next_limit, children')})
         ${when(`,
         lateral (select id, slot_key from chain where chain.id = g.id and chain.owner = $1 and chain.token = g.token
                  for no key update) c`)}
  ), moved as (
    update chain c
    set step = coalesce(l.next_step, l.step),
        previous = coalesce(l.output, c.previous),
        state = (case ${when("when l.children > 0 then 'children'")}
                      when l.next_step is null then l.outcome when l.go then 'running'
                      ${when("when l.next_key is not null then 'concurrency'")} else 'ready' end)::chain_state,
        owner = case when l.go then c.owner end,
        token = l.token + l.go::int,
        started_token = case when l.go then l.token + 1 when l.next_step is null then l.token end,
        attempt = case when l.next_step is null then l.attempt else l.go::int end,
        rejections = case when l.next_step is null and l.fence = l.token then c.rejections else 0 end,
        rejected_since = case when l.next_step is null and l.fence = l.token then c.rejected_since end,
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
    where l.whole and c.id = l.id and coalesce(c.owner = $1, false) and c.token = l.fence
    returning c.id, c.state, c.reason
  ), logged as (
    insert into step_log (chain_id, token, at, step, attempt, outcome, reason, output, node, started_at, traceparent)
    select id, token, clock_timestamp(), step, attempt, outcome, reason, output, $1,
           clock_timestamp() - make_interval(secs => duration_us / 1e6), traceparent
    from ${linked ? 'locked' : 'given'}
    -- written so that it is one look at a hash table for each: a join would compare all with all
    where (id in (select id from moved)) is true
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
  /** What is written with it. Null: it is alone. */
  readonly stretch: Stretch | null;
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

/** One array, as text, for each parameter of `moveMany` from $2 on. From now on the stretches stay as they are. */
export function columnsOf(completions: readonly Completion[]): string[] {
  const lines: (Completion | AheadStep)[] = [];
  const fences: (bigint | null)[] = [];
  for (const completion of completions) {
    lines.push(completion);
    completion.stretch?.seal();
    for (const step of completion.stretch?.steps ?? []) {
      fences.push(null);
      lines.push(step);
    }
    fences.push(completion.run.chain.token);
  }
  const column = (value: (line: Completion | AheadStep) => Element) => arrayText(lines, value);
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
    arrayText(fences, (fence) => fence),
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
 * `tx` must be a transaction when there are such. Answers are in the order of the completions; null missed its fence. A
 * stretch that the rows do not allow is dropped but for its first step, which a second statement writes.
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
  const refused = completions.filter(({ run, stretch }) => stretch?.steps.length && !byId.has(run.chain.chainId));
  if (refused.length > 0) {
    for (const { stretch } of refused) stretch!.drop();
    const alone = await moveAll(tx, bootId, refused);
    for (const [at, one] of alone.moved.entries()) {
      const id = refused[at]!.run.chain.chainId;
      if (one) byId.set(id, { ...one, id });
    }
  }
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
