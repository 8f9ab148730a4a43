/**
 * What must be true of the rows when everything is over, whatever was done to the processes, the database and the lines.
 * Each checker resolves to what it found, a line for each; an empty list is the only good answer.
 */
import type { Row } from '../../src/database/session.ts';
import { allChains, copiedRows, innocent } from './workload-chains.ts';

export interface Evidence {
  ask<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Ids of the chains that a caller was told of. */
  readonly acknowledged: readonly string[];
}

export interface Checker {
  readonly name: string;
  check(evidence: Evidence): Promise<string[]>;
}

const innocentNames = innocent.map(({ name }) => name);

/** One statement whose rows have a `line`; `$1` are the names of the chains that did nothing wrong. */
function rowsOf(name: string, statement: string): Checker {
  const values = statement.includes('$1') ? [innocentNames] : [];
  return {
    name,
    async check({ ask }) {
      return (await ask<{ line: string }>(`select line from (${statement}) found limit 20`, values)).map(
        ({ line }) => line,
      );
    },
  };
}

const acknowledged: Checker = {
  name: 'every chain that was acknowledged is there',
  async check({ ask, acknowledged: ids }) {
    const missing = await ask<{ id: string }>(
      'select id from unnest($1::bigint[]) told (id) where not exists (select from chain c where c.id = told.id) limit 20',
      [ids],
    );
    return missing.map(({ id }) => `chain ${id} is lost`);
  },
};

const allSteps: Checker = {
  name: 'a chain that succeeded has succeeded in each of its steps',
  async check({ ask }) {
    const found: string[] = [];
    for (const { name, version, steps } of allChains) {
      const rows = await ask<{ line: string }>(stepsMissing, [name, version, steps.map((step) => step.name)]);
      found.push(...rows.map(({ line }) => line));
    }
    return found;
  },
};

const stepsMissing = `
  select 'chain ' || c.id || ' (' || c.name || ') succeeded in ' || coalesce(string_agg(l.step, ', ' order by l.token), 'nothing') as line
  from chain c left join step_log l on l.chain_id = c.id and l.outcome = 'succeeded'
  where c.name = $1 and c.version = $2 and c.state = 'succeeded'
  group by c.id, c.name having array_agg(l.step order by l.token) is distinct from $3::text[]
  limit 20`;

export const checkers: readonly Checker[] = [
  acknowledged,
  rowsOf(
    'no effect is there twice',
    `select 'chain ' || chain_id || ' step ' || step || ': ' || count(*) || ' effects' as line
     from fault_effect group by chain_id, step having count(*) > 1`,
  ),
  rowsOf(
    'every step that succeeded has its effect',
    `select 'chain ' || c.id || ' step ' || l.step || ': no effect' as line
     from step_log l join chain c on c.id = l.chain_id
     where l.outcome = 'succeeded' and c.name = any ($1)
       and not exists (select from fault_effect e where e.chain_id = l.chain_id and e.step = l.step)`,
  ),
  rowsOf(
    'no effect is there of a step that did not succeed',
    `select 'chain ' || e.chain_id || ' step ' || e.step || ': an effect without a success' as line
     from fault_effect e
     where not exists (
       select from step_log l where l.chain_id = e.chain_id and l.step = e.step and l.outcome = 'succeeded')`,
  ),
  rowsOf(
    'a COPY is there whole, once, or not at all',
    `select 'chain ' || coalesce(k.chain_id, e.chain_id) || ': ' || coalesce(k.n, 0) || ' rows' as line
     from (select chain_id, count(*) as n, count(distinct n) as kinds from fault_copy where chain_id > 0 group by chain_id) k
     full join (select chain_id from fault_effect where step = 'copy') e on e.chain_id = k.chain_id
     where k.n is distinct from ${copiedRows} or k.kinds is distinct from ${copiedRows} or e.chain_id is null`,
  ),
  allSteps,
  rowsOf(
    'no step succeeded twice, and no token was used twice',
    `select 'chain ' || chain_id || ' step ' || min(step) || ' token ' || min(token) as line from step_log
     where outcome = 'succeeded' group by chain_id, step having count(*) > 1
     union all
     select 'chain ' || chain_id || ' token ' || token || ': ' || count(*) || ' log rows' from step_log
     group by chain_id, token having count(*) > 1`,
  ),
  rowsOf(
    'chains that did nothing wrong have succeeded, unless a person cancelled them',
    `select 'chain ' || id || ' (' || name || ') is ' || state || ' at step ' || step || ': ' || coalesce(reason, '') as line
     from chain where name = any ($1)
       and not (state = 'succeeded' or state = 'cancelled' and reason_by is not null and reason is not null)`,
  ),
  rowsOf(
    'what was cancelled stays so',
    `select 'chain ' || c.id || ' (' || c.name || ') was cancelled and is ' || c.state as line from chain c
     where c.state <> 'cancelled' and exists (
       select from step_log l where l.chain_id = c.id and l.outcome = 'cancelled')`,
  ),
  rowsOf(
    'no fault is charged to a chain as its crash',
    `select 'chain ' || c.id || ' (' || c.name || ') step ' || l.step || ' crashed: ' || coalesce(l.reason, '') as line
     from step_log l join chain c on c.id = l.chain_id where l.outcome = 'crashed' and c.name = any ($1)`,
  ),
  rowsOf(
    'a join was told of each of its children',
    `select 'chain ' || c.id || ' was told of ' || coalesce(l.output ->> 'told', 'none') || ' of ' || (c.input ->> 'children') as line
     from chain c
     join step_log l on l.chain_id = c.id and l.step = 'join' and l.outcome = 'succeeded'
     where c.name = 'family' and (l.output ->> 'told' is distinct from c.input ->> 'children'
       or (select count(*) from chain k where k.parent_id = c.id and k.counted) <> (c.input ->> 'children')::int)`,
  ),
  rowsOf(
    'of one concurrency key one chain ran at a time',
    `select 'key ' || key || ': chain ' || chain_id || ' began ' || (before - started_at) || ' before the one before had ended' as line
     from (select c.input ->> 'key' as key, l.chain_id, l.started_at,
                  lag(l.at) over (partition by c.input ->> 'key' order by l.at) as before
           from step_log l join chain c on c.id = l.chain_id
           where c.name = 'keyed' and l.step = 'hold' and l.outcome = 'succeeded') runs
     where started_at < before`,
  ),
  rowsOf(
    'no slot of the schedule is doubled or missed, and each has its chain',
    `select 'slot ' || due_at || ' comes ' || (due_at - before) || ' after the one before' as line
     from (select due_at, lag(due_at) over (order by due_at) as before from schedule_slot where schedule = 'ticks') s
     where due_at - before <> interval '1 second'
     union all
     select 'slot ' || due_at || ' is ' || result || ' with chain ' || coalesce(chain_id::text, 'none')
     from schedule_slot s where schedule = 'ticks'
       and (result <> 'fired' or not exists (select from chain c where c.id = s.chain_id))
     union all
     select 'chain ' || id || ' belongs to no slot' from chain c where name = 'tick'
       and not exists (select from schedule_slot s where s.chain_id = c.id)`,
  ),
  rowsOf(
    'a chain has one trace throughout its log',
    `select 'chain ' || c.id || ' step ' || l.step || ': ' || l.traceparent || ' in ' || c.traceparent as line
     from step_log l join chain c on c.id = l.chain_id
     where split_part(l.traceparent, '-', 2) <> split_part(c.traceparent, '-', 2)`,
  ),
];

/** To be asked when all services have been stopped in order. */
export const drainedChecker: Checker = rowsOf(
  'nothing is held when all services have stopped',
  `select 'node ' || id || ' is ' || state as line from node where state in ('live', 'draining')
   union all select 'chain ' || id || ' is running' from chain where state = 'running'
   union all select 'key ' || key || ' is held by chain ' || chain_id from chain_slot`,
);
