-- Up Migration
-- What a remote file looked like when it was taken (size and time of change): where no marker tells the sha256 of its bytes, a
-- file that looks the same is not downloaded again.
alter table raw_file add column remote_stamp text;

-- The same for all profiles that come to a provider with the same credential: they take turns, and a credential that is
-- refused suspends them all. Null where there is none.
alter table sync_profile add column session_key text generated always as (
  case when transport ->> 'kind' <> 'directory' then md5(sync_type || (transport - 'dir')::text) end
) stored;

-- How often the nodes together may ask a provider (engine.md, "Rate limits are token rows"): nodes take requests in slices.
create table provider_limit (
  sync_type text primary key,
  -- requests that were given out are spaced up to here; in the past: as many as the burst may come at once
  spaced_to timestamptz not null default now(),
  -- the provider asked for patience, or its breaker is open
  closed_until timestamptz,
  closed_why text
);

-- Down Migration
drop table provider_limit;
alter table sync_profile drop column session_key;
alter table raw_file drop column remote_stamp;
