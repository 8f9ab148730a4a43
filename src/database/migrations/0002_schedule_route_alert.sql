-- Up Migration
create table schedule (
  name text primary key,
  cron text not null,
  time_zone text not null default 'Europe/Amsterdam',
  chain text not null,
  input jsonb not null default '{}',
  catch_up text not null default 'last' check (catch_up in ('none', 'last', 'all')),
  catch_up_max integer not null default 12,
  overlap text not null default 'skip' check (overlap in ('skip', 'allow')),
  enabled boolean not null default true,
  next_due_at timestamptz not null,
  last_fired_at timestamptz
);

create table schedule_slot (
  schedule text not null references schedule (name),
  due_at timestamptz not null,
  result text not null check (result in ('fired', 'skipped')),
  reason text,
  chain_id bigint,
  at timestamptz not null default now(),
  primary key (schedule, due_at)
);

-- Every decision of the router. An unknown sync type is a row here with result 'failed', and an alert.
create table routing_decision (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  sync_task_id bigint,
  sync_type text not null,
  result text not null check (result in ('routed', 'failed')),
  chain_name text,
  chain_id bigint,
  reason text
);

-- One row per thing that is wrong; raised again only counts up, resolved closes it, a later one is a new row.
create table alert (
  id bigint generated always as identity primary key,
  rule text not null,
  subject text not null,
  level text not null check (level in ('info', 'warning', 'critical')),
  message text not null,
  detail jsonb not null default '{}',
  state text not null default 'open' check (state in ('open', 'resolved')),
  occurrences integer not null default 1,
  first_at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  resolved_at timestamptz,
  -- last told to a channel that took it
  notified_at timestamptz,
  -- a node is telling it; lapses after a minute
  notify_claimed_at timestamptz,
  -- its id in the state directory when it was raised while the database was away; written here once
  spool_id uuid unique
);
create unique index alert_open on alert (rule, subject) where state = 'open';

-- Who did what through the doors (admin socket, CLI).
create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null default '{}'
);

-- Down Migration
drop table audit, alert, routing_decision, schedule_slot, schedule;
