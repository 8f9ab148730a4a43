-- Up Migration
-- Chains that were running when their process died are suspects: they run one at a time in a process of their own, and what
-- ends that process is quarantined at once.
alter table node add column suspects boolean not null default false;
create index chain_suspect on chain (id) where suspect > 0 and state in ('ready', 'concurrency', 'running');

-- Down Migration
drop index chain_suspect;
alter table node drop column suspects;
