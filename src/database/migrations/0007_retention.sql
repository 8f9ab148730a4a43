-- Up Migration
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
