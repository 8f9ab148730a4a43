-- Up Migration
-- First day of the contract, and the first one after it, in its zone: what was used outside of them is not this contract's (F12).
-- Null: nobody told.
alter table contract add column valid daterange check (not isempty(valid));

-- Down Migration
alter table contract drop column valid;
