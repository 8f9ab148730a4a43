-- Up Migration
-- Cycles are closed, reopened and adjusted; totals that fall suddenly wait for a person.

-- A record that came after its own cycle was closed lies in the cycle that was open then, and names its own one. What takes
-- the price of a record of a closed cycle back is a record too: it names that one, and the amount that it takes back (negated).
alter table cdr
  add column adjusts_cycle date,
  add column reverses_cycle date,
  add column reverses_cdr bigint,
  add column reversed_amount_e8 bigint,
  add constraint cdr_reversal check (
    (reverses_cdr is null and reverses_cycle is null and reversed_amount_e8 is null)
    or (reverses_cdr is not null and reverses_cycle is not null and reversed_amount_e8 is not null and adjusts_cycle is not null));
create index cdr_adjustment on cdr (contract_id, adjusts_cycle) where adjusts_cycle is not null;

-- The versions that a run rated with, those of the contract's own tariff first: what belongs to a closed cycle is rated with these.
alter table rating_run add column tariff_versions bigint[] not null default '{}';
update rating_run r set tariff_versions = coalesce((
  select array_agg(v.id order by v.tariff_id <> k.tariff_id, lower(v.valid))
  from contract k, tariff_version v
  where k.id = r.contract_id and v.loaded_at <= r.created_at and (v.replaced_at is null or v.replaced_at > r.created_at)), '{}');

alter table cycle
  add column reopened_at timestamptz;
create index cycle_unclosed on cycle (ends_at) where state in ('open', 'grace');

-- Above these falls, in percent, a new generation waits for a person.
alter table contract
  add column guard_amount_percent smallint not null default 30 check (guard_amount_percent between 0 and 100),
  add column guard_records_percent smallint not null default 5 check (guard_records_percent between 0 and 100);

alter table total_generation
  drop constraint total_generation_state_check,
  add constraint total_generation_state_check
    check (state in ('building', 'current', 'backup', 'review', 'restored', 'discarded')),
  -- cancelled records of the cycle when it was built: a fall that they explain is no reason to wait
  add column cancelled_records bigint not null default 0,
  -- why it waits for a person
  add column review_reason text;
create unique index total_generation_review on total_generation (contract_id, cycle_start) where state = 'review';

-- Down Migration
drop index total_generation_review;
update total_generation set state = 'discarded' where state = 'review';
alter table total_generation
  drop constraint total_generation_state_check,
  add constraint total_generation_state_check check (state in ('building', 'current', 'backup', 'restored', 'discarded')),
  drop column cancelled_records,
  drop column review_reason;
alter table contract drop column guard_amount_percent, drop column guard_records_percent;
drop index cycle_unclosed;
alter table cycle drop column reopened_at;
alter table rating_run drop column tariff_versions;
drop index cdr_adjustment;
alter table cdr
  drop constraint cdr_reversal,
  drop column adjusts_cycle,
  drop column reverses_cycle,
  drop column reverses_cdr,
  drop column reversed_amount_e8;
