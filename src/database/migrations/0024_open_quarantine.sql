-- Up Migration
-- An import settles what is open of earlier files: without this it would read all that was ever kept out.
create index quarantine_open on quarantine (raw_file_id) where state = 'open';

-- Down Migration
drop index quarantine_open;
