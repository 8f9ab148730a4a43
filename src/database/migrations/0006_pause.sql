-- Up Migration
-- What may not run now: nothing (chain_names null) or the chains named. Whoever runs chains looks here at every claim and
-- at every move to a next step, so a pause holds from the next statement on, and a person is named for it.
create table pause (
  -- all, chain:<name> or provider:<sync type>
  scope text primary key,
  chain_names text[],
  by text not null,
  why text not null,
  since timestamptz not null default now(),
  -- ends by itself; null: a person ends it
  until timestamptz
);

-- Chains that stand paused, by name: they are given back by name when no pause covers them any more.
create index chain_paused on chain (name) where state = 'paused';

-- Down Migration
drop index chain_paused;
drop table pause;
