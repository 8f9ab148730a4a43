-- Up Migration
-- Fan-out and join: a chain may open others and wait until all of them have ended. A child counts once, whatever happens to
-- it later; what it counts for is its parent's join of that token, so a replayed parent is not reached by its old children.
alter table chain
  add column parent_id bigint,
  -- the join that it belongs to: token of the run that opened it
  add column parent_token bigint,
  add column on_child_failure text check (on_child_failure in ('fail', 'ignore', 'wait')),
  add column counted boolean not null default false,
  -- levels of parents above it
  add column depth smallint not null default 0,
  -- chains that opened one another without a delay, up to this one; an endless row of them is refused
  add column generation smallint not null default 0,
  -- as a parent: its last join, the children that it still waits for, and those that failed it
  add column join_token bigint,
  add column pending integer not null default 0,
  add column failed_children integer not null default 0,
  -- the concurrency key of its step, and how many chains may run with it at once
  add column slot_key text,
  add column slot_limit smallint,
  add constraint chain_child check ((parent_id is null) = (parent_token is null) and (parent_id is null) = (on_child_failure is null));

create index chain_children on chain (parent_id, parent_token, counted) where parent_id is not null;
create index chain_keyed on chain (slot_key, priority, run_at, id) where state = 'concurrency';

-- Joins that nobody waits for any more: the sweep cancels their children, a batch at a time, one level a commit.
create table abandoned_join (
  parent_id bigint not null,
  join_token bigint not null,
  why text not null,
  by text not null,
  primary key (parent_id, join_token)
);

-- Who runs with a concurrency key. The primary key arbitrates between nodes that claim at once.
create table chain_slot (
  key text not null,
  slot smallint not null,
  chain_id bigint not null unique,
  since timestamptz not null default now(),
  primary key (key, slot)
);

-- A slot is free when its chain does not run with that key any more, however it came to that: completion, recovery, cancel,
-- a row changed by hand. Costs nothing for chains without a key.
create function free_chain_slot() returns trigger language plpgsql as $$
begin
  delete from chain_slot where chain_id = old.id;
  return null;
end $$;
create trigger chain_slot_free after update on chain
  for each row when (old.slot_key is not null and old.state = 'running'
                     and (new.state <> 'running' or new.slot_key is distinct from old.slot_key))
  execute function free_chain_slot();
create trigger chain_slot_gone after delete on chain
  for each row when (old.slot_key is not null)
  execute function free_chain_slot();

-- Down Migration
drop trigger chain_slot_gone on chain;
drop trigger chain_slot_free on chain;
drop function free_chain_slot;
drop table chain_slot, abandoned_join;
drop index chain_keyed, chain_children;
alter table chain
  drop constraint chain_child,
  drop column parent_id, drop column parent_token, drop column on_child_failure, drop column counted, drop column depth, drop column generation,
  drop column join_token, drop column pending, drop column failed_children, drop column slot_key, drop column slot_limit;
