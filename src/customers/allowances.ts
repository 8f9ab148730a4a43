/**
 * Stores the allowances of a contract and of its subscriptions. One is known by name and first day: told again it is brought to
 * what the document says, told with another first day it is another one, which must not overlap. A document tells each once.
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { type AllowanceEntry, allowanceOf } from '../telecom/allowance-document.ts';
import { refuseUnknownZones } from './allowance-zones.ts';
import type { ContractEntry } from './document.ts';

const overlapping = `
  select a.valid::text as valid from allowance a
  where a.contract_id = $1 and a.subscription_id is not distinct from $2 and a.name = $3
    and lower(a.valid) is distinct from $4::date and a.valid && daterange($4::date, $5::date)`;

const upsert = `
  insert into allowance (contract_id, subscription_id, name, valid, kind, amount, shared, priority, increment, scope, fair_use)
  values ($1, $2, $3, daterange($4::date, $5::date), $6, $7, $8, $9, $10, $11, $12)
  on conflict (contract_id, (coalesce(subscription_id, 0)), name, (lower(valid))) do update set
    valid = excluded.valid, kind = excluded.kind, amount = excluded.amount, shared = excluded.shared,
    priority = excluded.priority, increment = excluded.increment, scope = excluded.scope, fair_use = excluded.fair_use`;

/** Throws `InputError` when two of one name overlap, or are one, or when one counts in a zone that is none. */
export async function upsertAllowances(tx: Tx, contractId: string, contract: ContractEntry): Promise<number> {
  await refuseUnknownZones(tx, contract);
  let count = await store(tx, contractId, null, contract.allowances, `account ${contract.account}`);
  for (const { msisdn, allowances } of contract.subscriptions) {
    if (allowances.length === 0) continue;
    const [subscription] = await tx.query<{ id: string }>(
      'select id from subscription where contract_id = $1 and msisdn = $2',
      [contractId, msisdn],
    );
    count += await store(tx, contractId, subscription!.id, allowances, `subscription ${msisdn.slice(0, -4)}****`);
  }
  return count;
}

async function store(
  tx: Tx,
  contractId: string,
  subscriptionId: string | null,
  entries: readonly AllowanceEntry[],
  about: string,
): Promise<number> {
  // one that a later entry follows is shortened before that one comes
  const ordered = [...entries].sort((a, b) => ((a.validFrom ?? '') < (b.validFrom ?? '') ? -1 : 1));
  const told = new Set<string>();
  for (const entry of ordered) {
    const one = allowanceOf(entry, '', null);
    const from = one.validFrom ?? 'the beginning';
    if (told.has(`${one.name} ${from}`)) {
      throw new InputError(`${about}: allowance ${one.name} from ${from} is there twice; give each a name of its own`);
    }
    told.add(`${one.name} ${from}`);
    const key = [contractId, subscriptionId, one.name, one.validFrom, one.validTo];
    const [clash] = await tx.query<{ valid: string }>(overlapping, key);
    if (clash) {
      throw new InputError(
        `${about}: allowance ${one.name} from ${from} overlaps the stored one of ${clash.valid}; give that one a validTo first, or this one its validFrom`,
      );
    }
    const scope = JSON.stringify({ zones: one.zones, categories: one.categories });
    const fairUse = one.fairUse === null ? null : JSON.stringify(one.fairUse);
    await tx.query(upsert, [...key, one.kind, one.amount, one.shared, one.priority, one.increment, scope, fairUse]);
  }
  return entries.length;
}
