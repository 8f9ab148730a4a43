-- Up Migration
-- Breakers: steps that crashed so often within a minute that nothing but a probe a minute runs them.
create table breaker (
  chain text not null,
  step text not null,
  since timestamptz not null default now(),
  reason text not null,
  -- when the next chain may try
  probe_at timestamptz not null,
  -- the one that may run now
  probe_chain_id bigint,
  primary key (chain, step)
);
create index chain_breaker on chain (name, step, priority, run_at, id) where state = 'breaker';

-- Steps whose effect outside the database must not happen twice: written before the effect, so that an attempt that finds it
-- knows that an earlier one may have gone so far.
create table effect_intent (
  chain_id bigint not null,
  step text not null,
  token bigint not null,
  at timestamptz not null default now(),
  primary key (chain_id, step)
);

-- Down Migration
drop table effect_intent;
drop index chain_breaker;
drop table breaker;
