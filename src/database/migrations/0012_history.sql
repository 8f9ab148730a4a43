-- Up Migration
-- Chains that ended more than chains.keepFinishedMs ago, by day of their end; days past retention are dropped whole. The same
-- columns in the same order as chain, which the engine's statements rely on: a migration that adds a column to chain adds it
-- here too, and makes the view anew. No index that work would need.
create table chain_history (like chain including defaults) partition by range (finished_at);
alter table chain_history
  add primary key (id, finished_at),
  add check (state in ('succeeded', 'failed', 'cancelled'));
-- for `chain list` by name, and by a state that is rare
create index chain_history_name on chain_history (name, id);
create index chain_history_unsuccessful on chain_history (id) where state in ('failed', 'cancelled');
-- for a parent that begins again
create index chain_history_children on chain_history (parent_id, parent_token) where parent_id is not null;
create table chain_history_rest partition of chain_history default;

-- Every chain, wherever it is, in one snapshot: a look at one table and then at the other would miss one that is carried
-- over in between. For the doors only.
create view every_chain as select * from chain union all select * from chain_history;

create index effect_intent_at on effect_intent (at);

-- Down Migration
drop index effect_intent_at;
drop view every_chain;
drop table chain_history;
