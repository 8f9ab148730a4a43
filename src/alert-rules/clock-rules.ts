/**
 * What no swap of totals would tell: a provider that delivers nothing, credentials that end soon. Looked at by the clock,
 * for all contracts at once. An empty file of a period is a delivery (F16), and so is a duplicate; of a provider that is asked and
 * answers, which a directory does not, every answer is one, also when it has nothing to tell. A contract that ended is looked at
 * until the file of its last period must be there.
 */
import type { ReadSession } from '../database/session.ts';
import type { Holding } from './holding.ts';
import { contractName } from './looked-cycle.ts';
import { type RuleRow, rulesFor } from './rule-rows.ts';

interface ProfileRow {
  readonly customerId: string;
  readonly customer: string;
  readonly contractId: string;
  readonly provider: string;
  readonly account: string;
  readonly profile: string;
  readonly everyDays: number;
  /** Day of the last delivery, else of the first try; null before any try. */
  readonly heardOn: string | null;
  readonly silentDays: number | null;
  readonly notAfter: string | null;
  readonly daysLeft: number | null;
}

const profiles = `
  select c.id as "customerId", c.code as customer, k.id as "contractId", k.provider, k.account_no as account, p.name as profile,
    p.file_every_days as "everyDays", to_char(h.at at time zone 'UTC', 'YYYY-MM-DD') as "heardOn",
    floor(extract(epoch from now() - h.at) / 86400)::int as "silentDays",
    to_char(p.credential_not_after, 'YYYY-MM-DD') as "notAfter",
    p.credential_not_after - (now() at time zone k.time_zone)::date as "daysLeft"
  from sync_profile p join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id
  cross join lateral (select coalesce(
    greatest((select max(f.stored_at) from raw_file f where f.profile_id = p.id), (select t.started_at from sync_task t
      where t.profile_id = p.id and t.status = 'succeeded' and p.transport ->> 'kind' not in ('directory', 'sftp')
      order by t.started_at desc limit 1)),
    (select min(t.started_at) from sync_task t where t.profile_id = p.id)) as at) h
  where p.enabled and p.suspended_reason is null and c.active
    and coalesce(upper(k.valid) + p.file_every_days > (now() at time zone k.time_zone)::date, true)
  order by p.id`;

export async function clockHoldings(
  session: Pick<ReadSession, 'query'>,
  rules: readonly RuleRow[],
): Promise<Holding[]> {
  const holdings: Holding[] = [];
  for (const row of await session.query<ProfileRow>(profiles)) {
    const { 'provider.silent': silent, 'credential.expires': expires } = rulesFor(rules, {
      customer: row.customer,
      contract: { provider: row.provider, account: row.account },
    });
    if (silent && row.heardOn !== null && row.silentDays! >= silent.periods * row.everyDays) {
      holdings.push({
        ...about(row, 'provider.silent', row.heardOn),
        level: `${silent.periods} periods`,
        severity: 'warning',
        message: `profile ${row.profile} of ${contractName(row)} has delivered no file for ${row.silentDays} days, where one is expected every ${row.everyDays}; ask the provider, or set fileEveryDays in its customers document`,
      });
    }
    if (expires && row.daysLeft !== null && row.daysLeft <= expires.days) {
      const over = row.daysLeft < 0;
      const when = over ? `ended on ${row.notAfter}` : `end on ${row.notAfter}, in ${row.daysLeft} days`;
      holdings.push({
        ...about(row, 'credential.expires', row.notAfter!),
        level: over ? 'ended' : `${expires.days} days`,
        severity: over ? 'critical' : 'warning',
        message: `the credentials of profile ${row.profile} of ${contractName(row)} ${when}; renew them and tell the new date in its customers document`,
      });
    }
  }
  return holdings;
}

function about(
  row: ProfileRow,
  type: 'provider.silent' | 'credential.expires',
  period: string,
): Omit<Holding, 'level' | 'severity' | 'message'> {
  const { customerId, contractId } = row;
  return { type, subject: `${contractName(row)} profile ${row.profile}`, period, customerId, contractId };
}
