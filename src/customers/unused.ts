/**
 * Subscriptions without any usage over a contract's last published cycles that have ended. Charges that a provider states
 * itself (recurring, one-off, credit) are no usage. Who began or ended within these cycles is not counted among them.
 */

/** A chain of CTEs that ends with `unused (id)`. `$1` contract or null, `$2` last cycle or null, `$3` how many cycles. */
export const unusedSubscriptions = `
  last_cycle as (
    select contract_id, cycle_start, generation, cycle_end from (
      select g.contract_id, g.cycle_start, g.generation, y.cycle_end,
        row_number() over (partition by g.contract_id order by g.cycle_start desc) as nth
      from total_generation g join cycle y using (contract_id, cycle_start)
      where g.state = 'current' and y.ends_at <= now()
        and ($1::bigint is null or g.contract_id = $1) and ($2::date is null or g.cycle_start <= $2)) l
    where nth <= $3::integer
  ), span as (
    select contract_id, min(cycle_start) as from_date, max(cycle_end) as to_date, min(cycle_end) as first_end
    from last_cycle group by contract_id having count(*) = $3::integer
  ), used as materialized (
    select distinct u.contract_id, u.msisdn from last_cycle l join total_usage u using (contract_id, cycle_start, generation)
    where u.category not in ('recurring', 'oneoff', 'credit')
  ), unused as (
    select s.id from span p join subscription s on s.contract_id = p.contract_id
    where not exists (select from used u where u.contract_id = s.contract_id and u.msisdn = s.msisdn)
      and (s.valid is null or s.valid @> daterange(p.from_date, p.to_date))
      and coalesce(s.first_seen, '-infinity') < p.first_end
  )`;
