-- Up Migration
-- Alert rules over published totals as rows, what they hold against each cycle, and what an operator knows of a subscription.

create table alert_rule (
  id bigint generated always as identity primary key,
  -- default, all, customer:C001 or contract:C001/KPN/0000000101; the narrowest one that fits decides
  scope text not null,
  -- also the rule of its alerts
  type text not null,
  -- what is left out has the default of src/alert-rules/rule-types.ts
  params jsonb not null default '{}',
  enabled boolean not null default true,
  unique (scope, type)
);
insert into alert_rule (scope, type)
select 'default', type from unnest(array['usage.allowance', 'usage.out-of-bundle', 'usage.out-of-bundle-customer',
  'usage.roaming-data', 'usage.fair-use', 'usage.premium', 'usage.spike', 'usage.long-call', 'usage.forecast',
  'subscription.unknown', 'subscription.zero-usage', 'provider.silent', 'credential.expires', 'file.sequence-gap']) as type;

-- One row for each rule, subject, period and level that ever held, so that the same totals never raise it again: not after
-- a person resolved the alert, and not after the alert is past its retention.
create table rule_alert (
  type text not null,
  subject text not null,
  -- the cycle; of what has no cycle, the day from which it holds
  period date not null,
  level text not null,
  customer_id bigint not null references customer (id),
  -- null: about the customer as a whole
  contract_id bigint references contract (id),
  -- ended: the cycle is closed and nobody is to act on it any more
  state text not null default 'open' check (state in ('open', 'ended', 'resolved')),
  first_at timestamptz not null default now(),
  resolved_at timestamptz,
  primary key (type, subject, period, level)
);
create index rule_alert_contract on rule_alert (contract_id, period);
create index rule_alert_customer on rule_alert (customer_id, period) where contract_id is null;
create index rule_alert_open on rule_alert (type) where state = 'open';

-- Cycles whose totals were swapped and not looked at by the rules since. Written by the swap itself, whoever makes it
-- (a sync, a recalculation, a restore), so none is missed; rows are only added, so no swap waits for an evaluation.
create table alert_due (
  id bigint generated always as identity primary key,
  contract_id bigint not null references contract (id),
  cycle_start date not null,
  -- not before then: the last look failed
  retry_at timestamptz
);
create function note_totals_swap() returns trigger language plpgsql as $$
begin
  insert into alert_due (contract_id, cycle_start) values (new.contract_id, new.cycle_start);
  return null;
end $$;
create trigger total_generation_swapped after insert or update of state, rating_run_id on total_generation
  for each row when (new.state = 'current') execute function note_totals_swap();
-- what is known only of a whole cycle is known now
create trigger cycle_closed after update of state on cycle
  for each row when (new.state = 'closed' and old.state <> 'closed') execute function note_totals_swap();
-- what was published before there were rules is looked at only where somebody can still act on it
insert into alert_due (contract_id, cycle_start)
select contract_id, cycle_start from total_generation g join cycle y using (contract_id, cycle_start)
where g.state = 'current' and y.ends_at > now() - interval '40 days';

-- remind: false is told once and never again; take_back: its end is still to be told to those who heard of it
alter table alert
  add column remind boolean not null default true,
  add column take_back boolean not null default false;
create index alert_take_back on alert (id) where take_back;

alter table subscription
  add column icc_masked text,
  add column product_code text,
  add column employee text,
  add column valid daterange;
alter table sync_profile
  -- how often the provider is expected to deliver, also an empty file
  add column file_every_days smallint not null default 31 check (file_every_days between 1 and 366),
  -- last day on which its credentials work, as somebody told us
  add column credential_not_after date;
create index raw_file_profile on raw_file (profile_id, stored_at);
create index sync_task_profile on sync_task (profile_id, started_at);

-- Down Migration
drop index sync_task_profile;
drop index raw_file_profile;
alter table sync_profile drop column file_every_days, drop column credential_not_after;
alter table subscription drop column icc_masked, drop column product_code, drop column employee, drop column valid;
drop index alert_take_back;
alter table alert drop column remind, drop column take_back;
drop trigger cycle_closed on cycle;
drop trigger total_generation_swapped on total_generation;
drop function note_totals_swap;
drop table alert_due, rule_alert, alert_rule;
