/** The statements of the DuckDB contender. Everything is whole numbers; each amount is rounded once to four decimals, half up. */
import type { Work } from '../contender.ts';
import { offsetHours, peakHours } from '../tariff.ts';

export function readFile(path: string): string {
  return `create or replace temp table record as
    select id, msisdn, kind, left(destination, 7)::integer as head, epoch(started_at)::bigint as started_s, usage,
      (charge * 10000)::bigint as charge_e4
    from read_csv('${path}', header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', new_line = '\\n',
      ignore_errors = true, columns = {id: 'BIGINT', msisdn: 'BIGINT', kind: 'kinds', destination: 'VARCHAR',
      started_at: 'TIMESTAMP', usage: 'BIGINT', charge: 'DECIMAL(18, 4)', description: 'VARCHAR'})`;
}

/** Of the ids that occur more than once all records but the last lose: rowid is the order of the file. */
export function totals(work: Work): string {
  return `with twice as (select id, max(rowid) as last from record group by id having count(*) > 1),
    lost as (select r.rowid as lost_row from record r join twice t on t.id = r.id where r.rowid <> t.last),
    head_price as (select * from (select distinct head from record) h asof join interval_price i on h.head >= i.bound),
    rated as (
      select msisdn, kind, usage, charge_e4, ${work === 'flat' ? flatAmount : rulesAmount} as amount_e8
      from (select r.*, p.* exclude (head, bound)${work === 'flat' ? '' : pieces}
        from record r join head_price p on p.head = r.head where r.rowid not in (select lost_row from lost)))
    select msisdn, kind, count(*), count(*) filter (where amount_e8 is null), sum(usage), coalesce(sum(amount_e8), 0),
      sum(charge_e4) * 10000
    from rated group by all`;
}

const flatAmount = `
  case when kind = 'voice' then (2 * voice * usage + 600000) // 1200000 * 10000
    else (2 * sms * usage + 10000) // 20000 * 10000 end`;

const [peakFrom, peakTo] = peakHours.map((hour) => hour * 3600) as [number, number];
/** A length in seconds becomes 30 + 6n. */
const widened = (seconds: string) => `(30 + 6 * ((greatest(${seconds} - 30, 0) + 5) // 6))`;

/**
 * At most one border of a band lies in a call: \`billed\` is all of it, \`early\` what stands before the border, widened too.
 * Midnight changes nothing, and the second minute begins at a whole increment.
 */
const pieces = `,
  (started_s + ${offsetHours * 3600}) % 86400 as local_s,
  local_s >= ${peakFrom} and local_s < ${peakTo} as peak,
  case when local_s < ${peakFrom} then ${peakFrom} - local_s when peak then ${peakTo} - local_s
    else ${peakFrom + 86_400} - local_s end as border_s,
  ${widened('usage')} as billed,
  least(${widened('least(usage, border_s)')}, billed) as early`;

/** Seconds x price per minute, early ones in the band of the start. */
const usagePrice = (first: string, then: string) => `(
  least(early, 60) * ${first}_1 + greatest(early - 60, 0) * ${first}_2
  + (least(billed, 60) - least(early, 60)) * ${then}_1
  + (greatest(billed - 60, 0) - greatest(early - 60, 0)) * ${then}_2)`;

const rulesAmount = `
  case when kind = 'sms' then (2 * sms * usage + 10000) // 20000 * 10000
    when usage = 0 then 0
    when peak then (2 * (connect_peak * 60 + ${usagePrice('peak', 'off')}) + 600000) // 1200000 * 10000
    else (2 * (connect_off * 60 + ${usagePrice('off', 'peak')}) + 600000) // 1200000 * 10000 end`;
