/**
 * Stores a contract of the customers document. What its records and totals are kept by cannot change under them: cycle day and
 * zone not at all, its first and last day not so that records which it has fall outside (`InputError`).
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import type { ContractEntry, CustomerEntry } from './document.ts';

const upsert = `
  insert into contract (customer_id, provider, account_no, tariff_id, cycle_day, time_zone, valid, guard_amount_percent,
    guard_records_percent)
  values ($1, $2, $3, $4, $5, $6, case when $7::date is not null or $8::date is not null then daterange($7, $8) end, $9, $10)
  on conflict (customer_id, provider, account_no) do update set tariff_id = excluded.tariff_id, valid = excluded.valid,
    guard_amount_percent = excluded.guard_amount_percent, guard_records_percent = excluded.guard_records_percent
  returning id, cycle_day as "cycleDay", time_zone as "timeZone"`;

interface ContractRow {
  readonly id: string;
  readonly cycleDay: number;
  readonly timeZone: string;
}

/** Resolves to its id. */
export async function upsertContract(
  tx: Tx,
  customer: CustomerEntry,
  customerId: string,
  contract: ContractEntry,
): Promise<string> {
  const account = contract.account.padStart(10, '0');
  const where = `customer ${customer.code}, account ${account}`;
  const tariffId = await tariffOf(tx, contract, where);
  const { provider, cycleDay, timeZone, guard, validFrom = null, validTo = null } = contract;
  const term = [validFrom, validTo] as const;
  const changes = await changesTerm(tx, [customerId, provider, account, ...term]);
  const [row] = await tx.query<ContractRow>(upsert, [
    ...[customerId, provider, account, tariffId, cycleDay, timeZone],
    ...term,
    ...[guard.amountFallPercent, guard.recordsFallPercent],
  ]);
  if (row!.cycleDay !== cycleDay || row!.timeZone !== timeZone) {
    throw new InputError(
      `${where}: cycle day ${row!.cycleDay} and zone ${row!.timeZone} cannot be changed to ${cycleDay} and ${timeZone} once set: its records and totals are kept by cycle; make a new contract`,
    );
  }
  if (changes) await refuseLeftOut(tx, row!.id, where, term);
  return row!.id;
}

async function tariffOf(tx: Tx, { tariff: code }: ContractEntry, where: string): Promise<string | null> {
  if (code === undefined) return null;
  const [tariff] = await tx.query<{ id: string }>('select id from tariff where code = $1', [code]);
  if (tariff) return tariff.id;
  throw new InputError(`${where}: tariff ${code} is not known; load it first: linekeeper tariff load FILE`);
}

const otherTerm = `
  select from contract where customer_id = $1 and provider = $2 and account_no = $3
    and (lower(valid), upper(valid)) is distinct from ($4::date, $5::date)`;

async function changesTerm(tx: Tx, params: readonly unknown[]): Promise<boolean> {
  return (await tx.query(otherTerm, [...params])).length > 0;
}

/** Cycles that cannot hold such a record are not read: none is longer than a month. */
const leftOut = `
  select to_char(local_start, 'YYYY-MM-DD') as day from cdr
  where contract_id = $1 and state = 'active' and kind not in ('oneoff', 'credit')
    and ((cycle_start < $2::date and local_start < $2::date) or (cycle_start > $3::date - 32 and local_start >= $3::date))
  limit 1`;

async function refuseLeftOut(
  tx: Tx,
  contractId: string,
  where: string,
  [from, to]: readonly [string | null, string | null],
): Promise<void> {
  const [record] = await tx.query<{ day: string }>(leftOut, [contractId, from, to]);
  if (!record) return;
  const [name, day] = from !== null && record.day < from ? ['validFrom', from] : ['validTo', to];
  throw new InputError(
    `${where}: ${name} ${day} leaves out records that it has, such as one of ${record.day}; name another day, or leave ${name} out`,
  );
}
