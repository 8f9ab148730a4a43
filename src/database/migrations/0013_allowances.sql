-- Up Migration
-- Allowances (bundles) and zone sets.

-- Allowances: what they are, what every record and every rating run took from them. An amount holds for one cycle;
-- nothing is carried over.
create table allowance (
  id bigint generated always as identity primary key,
  contract_id bigint not null references contract (id),
  -- the only subscription that has it; null: those of the whole contract
  subscription_id bigint references subscription (id) on delete cascade,
  name text not null,
  kind text not null check (kind in ('voice', 'sms', 'mms', 'data')),
  -- seconds, messages or octets
  amount bigint not null check (amount > 0),
  -- one for all subscriptions of the contract; otherwise each has its own
  shared boolean not null check (not shared or subscription_id is null),
  priority integer not null,
  -- in seconds, messages or octets; null: what the tariff widened
  increment bigint check (increment > 0),
  -- {"zones": […], "categories": […]}
  scope jsonb not null,
  -- local dates of the contract's zone
  valid daterange not null,
  -- {"monthlyPriceE8": …, "zones": […]}
  fair_use jsonb,
  exclude using gist (contract_id with =, (coalesce(subscription_id, 0)) with =, name with =, valid with &&)
);
create unique index allowance_version on allowance (contract_id, (coalesce(subscription_id, 0)), name, (lower(valid))) nulls not distinct;

-- What a rating run took, for each subscription, or for all of them together ('').
create table allowance_usage (
  contract_id bigint not null references contract (id),
  cycle_start date not null,
  rating_run_id bigint not null,
  allowance_id bigint not null,
  msisdn text not null,
  amount bigint not null,
  used bigint not null,
  -- octets of EU fair use; null when the allowance has no such limit
  fair_use_limit bigint,
  fair_use_used bigint not null,
  primary key (contract_id, cycle_start, rating_run_id, allowance_id, msisdn)
);

alter table rated_cdr
  -- allowance id -> seconds, messages or octets; null: nothing
  add column allowance_used jsonb,
  -- what is wrong with a record although it has a price
  add column finding text;

-- Which networks a provider counts to which roaming zone, by date; for tariff versions without zones of their own.
create table zone_set (
  id bigint generated always as identity primary key,
  provider text not null,
  valid tstzrange not null,
  -- sha256 over the canonical JSON of its zones
  checksum bytea not null,
  -- a corrected set replaces the row of the same range; what it replaced stays here, no longer valid
  replaced_at timestamptz,
  loaded_at timestamptz not null default now(),
  exclude using gist (provider with =, valid with &&) where (replaced_at is null)
);
create table zone_network (
  zone_set_id bigint not null references zone_set (id),
  -- MCC of 3 digits, or MCC and MNC
  network text not null,
  zone text not null,
  primary key (zone_set_id, network)
);
-- The zone sets that a run rated with: what belongs to a closed cycle is rated with these.
alter table rating_run add column zone_sets bigint[] not null default '{}';

-- Down Migration
alter table rating_run drop column zone_sets;
drop table zone_network, zone_set;
alter table rated_cdr drop column allowance_used, drop column finding;
drop table allowance_usage, allowance;
