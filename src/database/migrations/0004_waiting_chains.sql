-- Up Migration
-- What waits for a person or for other chains is few; without this index the audit reads every chain that ever ended, every
-- ten seconds (500,000 of them: 300 ms, with it 3 ms).
create index chain_waiting on chain (state)
  where state in ('children', 'concurrency', 'paused', 'breaker', 'review', 'blocked', 'quarantined', 'dead');

-- Down Migration
drop index chain_waiting;
