-- Up Migration
-- A reseller's provider delivers one file per end customer and period. The reseller's own contract has the profile; end
-- customers are contracts of the same provider, told by their account.

-- First day whose usage is wanted. Null: three months back.
alter table sync_profile add column since date;

-- One task of a reseller changes cycles of many contracts.
alter table sync_task_cycle drop constraint sync_task_cycle_pkey,
  add constraint sync_task_cycle_pkey primary key (sync_task_id, contract_id, cycle_start);

-- What the provider says that it delivers for a month, and what became of it when a task looked last.
create table reseller_period (
  contract_id bigint not null references contract (id),
  period date not null,
  customers integer not null,
  records bigint not null,
  net_e8 bigint not null,
  -- sums over its customers: what is in totals, waits for a contract or a subscription, and was kept out line by line
  imported_e8 bigint,
  suspense_e8 bigint,
  quarantined_e8 bigint,
  state text not null default 'open' check (state in ('open', 'agrees', 'incomplete', 'differs')),
  reason text,
  asked_at timestamptz not null default now(),
  primary key (contract_id, period)
);

-- The work list: one row for each end customer and period, in its present version.
create table reseller_delivery (
  id bigint generated always as identity primary key,
  contract_id bigint not null references contract (id),
  profile_id bigint not null references sync_profile (id),
  period date not null,
  -- as the provider writes it
  customer_no text not null,
  name text not null,
  url text not null,
  records bigint not null,
  net_e8 bigint not null,
  md5 text not null,
  state text not null check (state in ('listed', 'fetched', 'staged', 'suspense', 'matched', 'failed', 'refused')),
  reason text,
  raw_file_id bigint,
  -- what decoding told: records, cycles, lines in quarantine
  decoded jsonb,
  staged_e8 bigint,
  -- the task that changed it last
  sync_task_id bigint not null,
  changed_at timestamptz not null default now(),
  unique (contract_id, period, customer_no)
);
create index reseller_delivery_open on reseller_delivery (contract_id, state) where state <> 'matched';
create index reseller_delivery_task on reseller_delivery (sync_task_id);

-- Decoded records between stage and match, and those in suspense; gone when their delivery is matched to the last one.
create table reseller_cdr (
  delivery_id bigint not null references reseller_delivery (id) on delete cascade,
  matched boolean not null default false,
  line_no integer, record_key bytea, original_key bytea, correction "char", content_hash bigint, cycle_start date,
  msisdn text, kind text, call_code text, category text, b_hash bytea, b_prefix text, b_masked text, visited text,
  started_at timestamptz, local_start timestamp, ambiguous boolean, shifted boolean, usage_s bigint,
  usage_octets bigint, usage_count bigint, provider_amount_e8 bigint, vat_code text, in_bundle boolean, provider_version bigint
);
create index reseller_cdr_delivery on reseller_cdr (delivery_id);

-- The purchase check of a cycle: what its records cost by our own reading of the purchase tariff.
create table reseller_purchase (
  contract_id bigint not null references contract (id),
  cycle_start date not null,
  records bigint not null,
  unpriced bigint not null,
  differing bigint not null,
  stated_e8 bigint not null,
  own_e8 bigint not null,
  checked_at timestamptz not null default now(),
  primary key (contract_id, cycle_start)
);

-- Down Migration
drop table reseller_purchase, reseller_cdr, reseller_delivery, reseller_period;
alter table sync_task_cycle drop constraint sync_task_cycle_pkey,
  add constraint sync_task_cycle_pkey primary key (sync_task_id, cycle_start);
alter table sync_profile drop column since;
