-- Up Migration
-- Chains that ended more than chains.keepFinishedMs ago, by day of their end; days past retention are dropped whole. What
-- is left out (owner, started_token, rejected_since) means nothing once a chain has ended. No index that work would need.
create table chain_history (
  id bigint not null,
  name text not null,
  version smallint not null,
  step text not null,
  state chain_state not null check (state in ('succeeded', 'failed', 'cancelled')),
  priority smallint not null,
  run_at timestamptz not null,
  token bigint not null,
  attempt smallint not null,
  rejections smallint not null,
  suspect smallint not null,
  reason text,
  reason_by text,
  since timestamptz not null,
  traceparent text not null,
  subject text,
  input jsonb not null,
  previous jsonb,
  unique_key text,
  requested_by text,
  created_at timestamptz not null,
  finished_at timestamptz not null,
  primary key (id, finished_at)
) partition by range (finished_at);
-- for `chain list` by name, and by a state that is rare
create index chain_history_name on chain_history (name, id);
create index chain_history_unsuccessful on chain_history (id) where state in ('failed', 'cancelled');
create table chain_history_rest partition of chain_history default;

-- Every chain, wherever it is, in one snapshot: a look at one table and then at the other would miss one that is carried
-- over in between. For the doors only.
create view every_chain as
  select id, name, version, step, state, priority, run_at, owner, token, attempt, rejections, suspect, reason, reason_by,
         since, traceparent, subject, input, previous, unique_key, requested_by, created_at, finished_at
  from chain
  union all
  select id, name, version, step, state, priority, run_at, null::uuid, token, attempt, rejections, suspect, reason, reason_by,
         since, traceparent, subject, input, previous, unique_key, requested_by, created_at, finished_at
  from chain_history;

-- The dead versions that the engine leaves are many beside the rows that are open, so a share of the table's size says
-- nothing: a million finished chains would let 200,000 dead ones stand in the way of every claim. (docs/retention.md)
alter table chain set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
alter table node set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0
);
alter table chain_key set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0
);

create index chain_key_expiry on chain_key (expires_at) where expires_at is not null;
create index alert_resolved on alert (resolved_at) where state = 'resolved';

-- Since when the oracle has seen the task consumed: it need not look at it again. What is consumed becomes unconsumed only
-- by a cycle row without consumed_at, and those have an index of their own.
alter table sync_task add column settled_at timestamptz;
create index sync_task_unsettled on sync_task (id) where status = 'succeeded' and settled_at is null;
create index sync_task_cycle_unconsumed on sync_task_cycle (sync_task_id) where consumed_at is null;

-- Down Migration
drop index sync_task_cycle_unconsumed, sync_task_unsettled, alert_resolved, chain_key_expiry;
alter table sync_task drop column settled_at;
alter table chain_key reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table node reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table chain reset (
  autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay,
  autovacuum_analyze_scale_factor, autovacuum_analyze_threshold
);
drop view every_chain;
drop table chain_history;
