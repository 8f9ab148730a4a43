-- Up Migration
-- Customers to totals (the domain). Money is bigint in 1e-8 EUR (…_e8). Local text and zone are kept beside UTC instants.
create extension if not exists btree_gist;

-- What belongs to this database and to no other: its archive of raw files.
create table installation (
  singleton boolean primary key default true check (singleton),
  archive_id text not null
);

create table tariff (
  id bigint generated always as identity primary key,
  code text not null unique,
  provider text not null
);
create table tariff_version (
  id bigint generated always as identity primary key,
  tariff_id bigint not null references tariff (id),
  valid tstzrange not null,
  -- sha256 over the canonical JSON of the version's document
  checksum bytea not null,
  document jsonb not null,
  -- a corrected version replaces the row of the same range; what it replaced stays here, no longer valid
  replaced_at timestamptz,
  loaded_at timestamptz not null default now(),
  exclude using gist (tariff_id with =, valid with &&) where (replaced_at is null)
);

create table customer (
  id bigint generated always as identity primary key,
  code text not null unique,
  name text not null,
  number_mask smallint not null default 4 check (number_mask between 3 and 6),
  -- key of the HMAC that makes dialled numbers comparable without keeping them
  hash_key bytea not null,
  active boolean not null default true
);
create table contract (
  id bigint generated always as identity primary key,
  customer_id bigint not null references customer (id),
  provider text not null,
  account_no text not null,
  tariff_id bigint references tariff (id),
  cycle_day smallint not null default 1 check (cycle_day between 1 and 31),
  time_zone text not null default 'Europe/Amsterdam',
  unique (customer_id, provider, account_no)
);
create table subscription (
  id bigint generated always as identity primary key,
  contract_id bigint not null references contract (id),
  msisdn text not null,
  cost_centre text,
  source text not null check (source in ('import', 'manual', 'discovered')),
  first_seen date,
  unique (contract_id, msisdn)
);
create table sync_profile (
  id bigint generated always as identity primary key,
  name text not null,
  contract_id bigint not null references contract (id),
  sync_type text not null,
  transport jsonb not null,
  every_minutes integer not null default 60,
  late_days smallint not null default 10,
  next_due timestamptz not null default now(),
  enabled boolean not null default true,
  suspended_reason text,
  consecutive_failures integer not null default 0,
  -- what the transport remembers between runs: names seen but not ready yet, with the number of polls
  watermark jsonb not null default '{}',
  unique (contract_id, name)
);

-- One run of a profile. Ends with its chain; the oracle asks for the generation that consumed every completed one.
create table sync_task (
  id bigint generated always as identity primary key,
  profile_id bigint not null references sync_profile (id),
  chain_id bigint,
  requested_by text not null,
  cycle_start date not null,
  status text not null default 'open' check (status in ('open', 'unroutable', 'succeeded', 'failed')),
  counts jsonb not null default '{}',
  started_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index sync_task_one_open on sync_task (profile_id) where status = 'open';
create index sync_task_chain on sync_task (chain_id);

create table cycle (
  contract_id bigint not null references contract (id),
  cycle_start date not null,
  cycle_end date not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'grace', 'closed', 'adjusted')),
  -- +1 whenever an import changes the cycle's active records; a rating run names the revision it rated
  revision bigint not null default 0,
  -- the newest rating run; totals are due when the current generation was built from another one
  rating_run_id bigint,
  closed_at timestamptz,
  primary key (contract_id, cycle_start)
);

create table raw_file (
  id bigint generated always as identity primary key,
  contract_id bigint not null references contract (id),
  profile_id bigint not null references sync_profile (id),
  version integer not null default 1,
  name text not null,
  sha256 bytea not null,
  bytes bigint not null,
  logical_key text,
  seq bigint,
  crc32 text,
  period daterange,
  state text not null check (state in ('received', 'imported', 'duplicate', 'superseded', 'quarantined')),
  reason text,
  records integer,
  -- line errors that went to quarantine while the rest was imported
  quarantined_lines integer not null default 0,
  stored_at timestamptz not null default now(),
  imported_at timestamptz
);
create unique index raw_file_bytes on raw_file (contract_id, sha256) where state <> 'duplicate';
create unique index raw_file_key on raw_file (contract_id, logical_key, version) where state <> 'duplicate';

create table cdr (
  id bigint generated always as identity,
  contract_id bigint not null,
  cycle_start date not null,
  raw_file_id bigint not null,
  line_no integer not null,
  record_key bytea not null,
  version integer not null default 1,
  state text not null default 'active' check (state in ('active', 'superseded', 'cancelled')),
  -- hash of the record's content; equal content in a re-delivery leaves the row untouched
  content_hash bigint not null,
  -- blank for an original, C for a record that corrects another one
  correction "char" not null default ' ',
  msisdn text not null,
  kind text not null check (kind in ('voice', 'sms', 'mms', 'data', 'recurring', 'oneoff', 'credit')),
  call_code text,
  category text not null,
  b_hash bytea,
  -- the digits that masking leaves; rating matches on them
  b_prefix text,
  b_masked text,
  visited text,
  started_at timestamptz not null,
  local_start timestamp not null,
  ambiguous boolean not null default false,
  shifted boolean not null default false,
  usage_s bigint not null default 0,
  usage_octets bigint not null default 0,
  usage_count bigint not null default 0,
  provider_amount_e8 bigint not null,
  vat_code text,
  in_bundle boolean,
  late boolean not null default false,
  primary key (contract_id, cycle_start, id)
) partition by range (cycle_start);
create unique index cdr_version on cdr (contract_id, cycle_start, record_key, version);
create unique index cdr_active on cdr (contract_id, cycle_start, record_key) where state = 'active';

create table rating_run (
  -- drawn at random by the rate step, which writes it into its spool file before the transaction begins
  id bigint primary key,
  contract_id bigint not null references contract (id),
  cycle_start date not null,
  revision bigint not null,
  tariff_hash bytea not null,
  records bigint not null,
  rated bigint not null,
  unrated bigint not null,
  excluded bigint not null,
  amount_e8 bigint not null,
  created_at timestamptz not null default now()
);
create index rating_run_cycle on rating_run (contract_id, cycle_start);

create table rated_cdr (
  contract_id bigint not null,
  cycle_start date not null,
  rating_run_id bigint not null,
  cdr_id bigint not null,
  tariff_version_id bigint,
  -- rule of the first piece; every piece is shown by `totals explain`, which rates the record again
  rule text,
  billed_usage bigint not null,
  amount_e8 bigint not null,
  status text not null check (status in ('rated', 'unrated', 'excluded')),
  reason text
) partition by range (cycle_start);
create unique index rated_cdr_run on rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id);

create table total_generation (
  contract_id bigint not null references contract (id),
  customer_id bigint not null references customer (id),
  cycle_start date not null,
  generation integer not null,
  rating_run_id bigint not null,
  state text not null check (state in ('building', 'current', 'backup', 'restored', 'discarded')),
  digest bytea not null,
  reason text not null,
  pinned_by text,
  created_at timestamptz not null default now(),
  primary key (contract_id, cycle_start, generation)
);
create unique index total_generation_current on total_generation (contract_id, cycle_start) where state = 'current';

create table total_usage (
  contract_id bigint not null,
  customer_id bigint not null,
  cycle_start date not null,
  generation integer not null,
  subscription_id bigint,
  msisdn text not null,
  category text not null,
  records bigint not null,
  unrated bigint not null,
  usage_s bigint not null,
  usage_octets bigint not null,
  usage_count bigint not null,
  amount_e8 bigint not null,
  provider_amount_e8 bigint not null,
  primary key (contract_id, cycle_start, generation, msisdn, category)
);

create view total_usage_new_table as
  select u.* from total_usage u join total_generation g using (contract_id, cycle_start, generation) where g.state = 'current';
create view total_usage_new_backup_table as
  select u.* from total_usage u join total_generation g using (contract_id, cycle_start, generation) where g.state = 'backup';

-- Which cycles a sync task changed, and the totals generation that consumed it (or the note that nothing changed).
create table sync_task_cycle (
  sync_task_id bigint not null references sync_task (id),
  contract_id bigint not null,
  cycle_start date not null,
  generation integer,
  unchanged boolean not null default false,
  consumed_at timestamptz,
  primary key (sync_task_id, cycle_start)
);

create table quarantine (
  id bigint generated always as identity primary key,
  raw_file_id bigint not null references raw_file (id),
  line_no integer,
  code text not null,
  field text,
  -- what was wrong, with numbers masked
  message text not null,
  raw_masked text,
  state text not null default 'open' check (state in ('open', 'resolved')),
  at timestamptz not null default now()
);

-- Partitions by month of cycle_start, made on demand; the advisory lock orders concurrent makers. What is there is read
-- from pg_class and not by to_regclass, whose cache still says no after the lock was waited for.
create function ensure_cycle_partition(month date) returns void language plpgsql as $$
declare
  lower_bound date := date_trunc('month', month)::date;
  upper_bound date := (date_trunc('month', month) + interval '1 month')::date;
  parent text;
  child text;
begin
  foreach parent in array array['cdr', 'rated_cdr'] loop
    child := parent || '_' || to_char(lower_bound, 'YYYY_MM');
    if not exists (select from pg_class where relname = child and relnamespace = current_schema()::regnamespace) then
      perform pg_advisory_xact_lock(hashtext('ensure_cycle_partition'));
      if not exists (select from pg_class where relname = child and relnamespace = current_schema()::regnamespace) then
        execute format('create table %I (like %I including all excluding identity)', child, parent);
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, child, lower_bound, upper_bound);
      end if;
    end if;
  end loop;
end $$;

-- Down Migration
drop view total_usage_new_table, total_usage_new_backup_table;
drop table quarantine, sync_task_cycle, total_usage, total_generation, rated_cdr, rating_run, cdr, raw_file, cycle,
  sync_task, sync_profile, subscription, contract, customer, tariff_version, tariff, installation;
drop function ensure_cycle_partition;
