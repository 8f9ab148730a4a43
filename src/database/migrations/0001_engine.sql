-- Up Migration
-- The chain engine: one narrow row per chain, moved in place, and an append-only log of what every token did.

create table schema_release (
  singleton boolean primary key default true check (singleton),
  -- code older than this refuses to work with the schema; expand/contract keeps N-1 running beside N
  minimum_release text not null
);
insert into schema_release (minimum_release) values ('0.1.0');

-- The lease row of a node. A node is dead when an observer saw the same beat for a whole lease period on its own clock.
create table node (
  id uuid primary key,
  beat bigint not null default 0,
  beat_at timestamptz not null default now(),
  started_at timestamptz not null default now(),
  host text not null,
  pid integer not null,
  release text not null,
  state text not null default 'live' check (state in ('live', 'draining', 'dead', 'ended')),
  lease_ms integer not null default 6000,
  beat_ms integer not null default 2000,
  -- since when a lane was free at every moment; null while all were busy since the last beat
  free_since timestamptz,
  -- what the node holds in memory: {"<chain id>:<token>": true when past the step's deadline}; for the audit
  held jsonb not null default '{}'
) with (fillfactor = 50);

create type chain_state as enum (
  'ready', 'running', 'timer', 'children', 'concurrency', 'paused', 'breaker', 'review', 'blocked', 'quarantined',
  'dead', 'succeeded', 'failed', 'cancelled'
);

create table chain (
  id bigint generated always as identity primary key,
  name text not null,
  version smallint not null default 1,
  -- name of the step that runs next or now; the definition knows its place
  step text not null,
  state chain_state not null default 'ready',
  -- 0 critical, 1 high, 2 normal, 3 low
  priority smallint not null default 2 check (priority between 0 and 3),
  run_at timestamptz not null default now(),
  owner uuid,
  -- +1 on every claim, continuation, release, cancel, retry and recovery; never reset; fences every write
  token bigint not null default 0,
  -- the token whose handler had started; what a dead process leaves with started_token = token is a suspect
  started_token bigint,
  attempt smallint not null default 0,
  rejections smallint not null default 0,
  rejected_since timestamptz,
  suspect smallint not null default 0,
  -- why it waits or how it ended, for a person; reason_by is the name of the one who decided
  reason text,
  reason_by text,
  since timestamptz not null default now(),
  traceparent text not null,
  -- what it is about, such as C001/KPN_SP16; for lists
  subject text,
  input jsonb not null,
  previous jsonb,
  unique_key text,
  requested_by text,
  created_at timestamptz not null default now(),
  finished_at timestamptz
) with (fillfactor = 60);

create index chain_ready on chain (priority, run_at, id) where state = 'ready';
create index chain_timer on chain (run_at) where state = 'timer';
create index chain_running on chain (owner) where state = 'running';
create index chain_blocked on chain (name) where state = 'blocked';
create index chain_finished on chain (finished_at) where finished_at is not null;

-- Unique keys live beside the chains so that a finished chain's key can be released or kept until it expires.
create table chain_key (
  key text primary key,
  chain_id bigint not null,
  expires_at timestamptz
);

-- What each token did. COMMIT with an unknown answer is settled by reading (chain_id, token) here.
create table step_log (
  chain_id bigint not null,
  token bigint not null,
  at timestamptz not null default now(),
  step text not null,
  attempt smallint not null,
  outcome text not null,
  reason text,
  output jsonb,
  error jsonb,
  node uuid,
  started_at timestamptz,
  traceparent text not null,
  primary key (chain_id, token, at)
) partition by range (at);
create table step_log_rest partition of step_log default;

-- Down Migration
drop table step_log, chain_key, chain, node, schema_release;
drop type chain_state;
