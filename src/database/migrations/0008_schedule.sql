-- Up Migration
-- Schedules by a period, slots that wait, and what keeps a schedule from firing. Nodes of the release before go on with cron
-- schedules; a schedule with a period is an error to them that holds up no other.
alter table schedule
  alter column cron drop not null,
  -- a period instead of a cron line: due again so long after the slot before, whenever that was answered
  add column every_ms bigint check (every_ms between 1000 and 31622400000),
  add constraint schedule_when check (num_nonnulls(cron, every_ms) = 1),
  drop constraint schedule_overlap_check,
  add constraint schedule_overlap_check check (overlap in ('skip', 'queueOne', 'allow')),
  -- why it could not fire at its last try, and since when that is so; null once it fires
  add column last_error text,
  add column failing_since timestamptz;

alter table schedule_slot
  drop constraint schedule_slot_result_check,
  -- queued: waits until no chain of its schedule is open, then fired
  add constraint schedule_slot_result_check check (result in ('fired', 'skipped', 'queued')),
  -- a person asked for it, beside the plan
  add column requested_by text,
  -- its chain ended for good or is gone: it is not looked at any more
  add column chain_over boolean not null default false;
create unique index schedule_slot_queued on schedule_slot (schedule) where result = 'queued';
create index schedule_slot_open on schedule_slot (schedule) where result = 'fired' and not chain_over;

-- What chains are expected to do, and did: for the alert of a feature that stops although nothing fails. Written by whoever
-- looks, not by the chains.
create table chain_expectation (
  chain text primary key,
  -- no success is missed before: the chain was first expected then, or it was paused, or nobody looked until then
  since timestamptz not null default now(),
  last_success_at timestamptz,
  -- successes up to here are known
  looked_to timestamptz not null default now(),
  looked_at timestamptz not null default now()
);

-- By how much the node's clock was ahead of the database's, as it read it last.
alter table node add column clock_offset_ms double precision;

-- Down Migration
alter table node drop column clock_offset_ms;
drop table chain_expectation;
drop index schedule_slot_open, schedule_slot_queued;
delete from schedule_slot where result = 'queued' or schedule in (select name from schedule where every_ms is not null);
delete from schedule where every_ms is not null;
update schedule set overlap = 'skip' where overlap = 'queueOne';
alter table schedule_slot
  drop column chain_over,
  drop column requested_by,
  drop constraint schedule_slot_result_check,
  add constraint schedule_slot_result_check check (result in ('fired', 'skipped'));
alter table schedule
  drop column failing_since,
  drop column last_error,
  drop constraint schedule_overlap_check,
  add constraint schedule_overlap_check check (overlap in ('skip', 'allow')),
  drop constraint schedule_when,
  drop column every_ms,
  alter column cron set not null;
