-- Up Migration
-- What is kept for how long, and what was removed when that was over.

-- {"rawFileDays", "recordMonths", "quarantineDays", "totalYears"}: what is left out has its default (src/privacy/retention.ts)
alter table customer add column retention jsonb not null default '{}';

alter table cycle
  -- from here on its records go: it takes none any more and cannot be reopened
  add column purge_begun_at timestamptz,
  -- the last of its records and prices is gone
  add column purged_at timestamptz,
  add column totals_purged_at timestamptz;
create index cycle_unpurged on cycle (cycle_end) where state in ('closed', 'adjusted') and totals_purged_at is null;

-- the bytes are gone from the archive; the row stays
alter table raw_file add column purged_at timestamptz;
create index raw_file_unpurged on raw_file (stored_at) where purged_at is null;
create index raw_file_sha256 on raw_file (sha256);
create index quarantine_at on quarantine (at);

-- Down Migration
drop index quarantine_at, raw_file_sha256, raw_file_unpurged;
alter table raw_file drop column purged_at;
drop index cycle_unpurged;
alter table cycle drop column purge_begun_at, drop column purged_at, drop column totals_purged_at;
alter table customer drop column retention;
