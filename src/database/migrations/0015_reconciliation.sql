-- Up Migration
-- Invoices of the providers, and what they and our totals of a cycle differ in. Money is bigint in 1e-8 EUR (…_e8).
create table invoice (
  id bigint generated always as identity primary key,
  contract_id bigint not null references contract (id),
  number text not null,
  -- +1 when a person replaces what was loaded under the number
  version integer not null default 1,
  state text not null default 'current' check (state in ('current', 'replaced')),
  kind text not null check (kind in ('invoice', 'credit_note')),
  -- number of the invoice of this contract that a credit note corrects
  refers_to text,
  invoice_date date not null,
  -- the cycle that it charges the usage of, and the one that it charges the recurring fees of
  cycle_start date not null,
  fees_cycle_start date not null,
  currency text not null default 'EUR' check (currency = 'EUR'),
  net_e8 bigint not null,
  vat_e8 bigint not null,
  gross_e8 bigint not null,
  -- sha256 over the canonical JSON of the document
  content_hash bytea not null,
  loaded_by text not null,
  loaded_at timestamptz not null default now(),
  check ((kind = 'credit_note') = (refers_to is not null)),
  check (gross_e8 = net_e8 + vat_e8)
);
create unique index invoice_version on invoice (contract_id, number, version);
create unique index invoice_current on invoice (contract_id, number) where state = 'current';
create index invoice_cycle on invoice (contract_id, cycle_start);

create table invoice_line (
  invoice_id bigint not null references invoice (id) on delete cascade,
  line_no integer not null,
  subscription_id bigint,
  -- null: the line is about the account
  msisdn text,
  category text not null,
  description text not null,
  -- of a credit note: the line of the invoice that it takes back
  corrects_line integer,
  records bigint,
  -- seconds, octets, messages or pieces, and how much of it an allowance covered
  quantity bigint,
  covered bigint,
  unit_price_e8 bigint,
  per bigint,
  net_e8 bigint not null,
  vat_code text not null,
  -- both inclusive
  period_from date not null,
  period_to date not null,
  primary key (invoice_id, line_no)
);
create table invoice_vat (
  invoice_id bigint not null references invoice (id) on delete cascade,
  vat_code text not null,
  -- 1e-2 percent: 2100 is 21 %
  rate_e2 integer not null,
  net_e8 bigint not null,
  vat_e8 bigint not null,
  primary key (invoice_id, vat_code)
);

-- A cycle is reconciled with all its invoices and credit notes; one reconciliation of a cycle is current.
create table reconciliation (
  id bigint generated always as identity primary key,
  contract_id bigint not null references contract (id),
  cycle_start date not null,
  generation integer not null,
  fees_cycle_start date not null,
  -- null: no totals of the fees' cycle were published
  fees_generation integer,
  state text not null default 'current' check (state in ('current', 'replaced')),
  status text not null check (status in ('agrees', 'differs')),
  lines integer not null,
  own_net_e8 bigint not null,
  invoice_net_e8 bigint not null,
  own_vat_e8 bigint not null,
  invoice_vat_e8 bigint not null,
  tolerance_e8 bigint not null,
  requested_by text not null,
  created_at timestamptz not null default now()
);
create unique index reconciliation_current on reconciliation (contract_id, cycle_start) where state = 'current';
create index reconciliation_cycle on reconciliation (contract_id, cycle_start, id);

create table reconciliation_invoice (
  recon_id bigint not null references reconciliation (id) on delete cascade,
  invoice_id bigint not null references invoice (id),
  primary key (recon_id, invoice_id)
);
create table recon_finding (
  id bigint generated always as identity primary key,
  recon_id bigint not null references reconciliation (id) on delete cascade,
  -- what it is a difference of: findings of net add up to the difference of the nets, those of vat to that of the VAT
  basis text not null check (basis in ('net', 'vat')),
  class text not null check (class in ('missing_cdr', 'extra_cdr', 'rate_difference', 'rounding', 'allowance_difference',
    'recurring_without_subscription', 'subscription_ended', 'duplicate_line', 'vat_error', 'unknown_category', 'period_mismatch')),
  check ((basis = 'vat') = (class = 'vat_error')),
  -- what makes it the same finding in the next reconciliation
  identity text not null,
  subscription_id bigint,
  msisdn text,
  category text,
  own_e8 bigint not null,
  provider_e8 bigint not null,
  diff_e8 bigint not null,
  check (diff_e8 = provider_e8 - own_e8),
  evidence jsonb not null,
  state text not null check (state in ('open', 'accepted', 'disputed', 'resolved')),
  state_by text,
  state_why text,
  state_at timestamptz not null default now()
);
create unique index recon_finding_identity on recon_finding (recon_id, identity);

-- Down Migration
drop table recon_finding, reconciliation_invoice, reconciliation, invoice_vat, invoice_line, invoice;
