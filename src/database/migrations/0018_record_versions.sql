-- Up Migration
-- The provider's own version of a record, for providers that number them: the highest wins, whatever order files come in.
alter table cdr add column provider_version bigint not null default 0;
-- Of the quarantined record's first byte in the unpacked file.
alter table quarantine add column byte_offset bigint;

-- Down Migration
alter table quarantine drop column byte_offset;
alter table cdr drop column provider_version;
