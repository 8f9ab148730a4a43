/**
 * Stores a customers document: what is new is inserted, what is there is brought to what the document says, what the
 * document does not name stays as it is. All in the caller's transaction.
 */
import { randomBytes } from 'node:crypto';
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { InvalidDocumentError, schemaProblems } from '../telecom/document-problem.ts';
import { longestPrefix } from '../telecom/tariff-checks.ts';
import { upsertAllowances } from './allowances.ts';
import { upsertContract } from './contracts.ts';
import { type ContractEntry, type CustomerEntry, customersDocument } from './document.ts';
import { upsertSubscriptions } from './subscriptions.ts';

export interface Applied {
  readonly customers: number;
  readonly contracts: number;
  readonly subscriptions: number;
  readonly allowances: number;
  readonly profiles: number;
}

/** Throws `InvalidDocumentError` with every problem of its form, `InputError` when it does not fit what is stored. */
export async function applyCustomers(tx: Tx, document: unknown): Promise<Applied> {
  const problems = schemaProblems(document, customersDocument);
  if (problems.length > 0) throw new InvalidDocumentError('the customers document', problems);
  const { customers } = customersDocument.parse(document);
  const counts = { customers: 0, contracts: 0, subscriptions: 0, allowances: 0, profiles: 0 };
  for (const customer of customers) {
    const customerId = await upsertCustomer(tx, customer);
    counts.customers += 1;
    for (const contract of customer.contracts) {
      const contractId = await upsertContract(tx, customer, customerId, contract);
      counts.contracts += 1;
      counts.subscriptions += await upsertSubscriptions(tx, contractId, contract.subscriptions);
      counts.allowances += await upsertAllowances(tx, contractId, contract);
      counts.profiles += await upsertProfiles(tx, contractId, contract);
    }
  }
  await refuseMaskedPrefixes(tx, customers);
  return counts;
}

const prefixesOfTariffs = `
  select distinct t.code, p as prefix
  from tariff t join tariff_version v on v.tariff_id = t.id and v.replaced_at is null,
    jsonb_array_elements(v.document -> 'rules') r, jsonb_array_elements_text(r -> 'match' -> 'prefixes') p
  where length(p) > $1 order by t.code, p`;

/** Up to here a prefix fits every mask that a customer can have. */
const fitsEveryMask = 3;

/** A tariff that needs more digits than are stored would silently rate by a shorter prefix; loading one is refused likewise. */
async function refuseMaskedPrefixes(tx: Tx, customers: readonly CustomerEntry[]): Promise<void> {
  const mask = Math.max(...customers.map((customer) => customer.numberMask));
  const named = await tx.query<{ code: string; prefix: string }>(prefixesOfTariffs, [fitsEveryMask]);
  const masked = named.find(({ prefix }) => prefix.length > longestPrefix(mask, prefix));
  if (!masked) return;
  const { code } = customers.find((customer) => customer.numberMask === mask)!;
  const { prefix } = masked;
  throw new InputError(
    `customer ${code}: numberMask ${mask} leaves ${longestPrefix(mask, prefix)} digits of such numbers, and tariff ${masked.code} has the prefix ${prefix}; use a smaller mask, or load that tariff with shorter prefixes first`,
  );
}

async function upsertCustomer(tx: Tx, customer: CustomerEntry): Promise<string> {
  const [row] = await tx.query<{ id: string }>(
    `insert into customer (code, name, number_mask, hash_key, retention) values ($1, $2, $3, $4, $5)
     on conflict (code) do update set name = excluded.name, number_mask = excluded.number_mask, retention = excluded.retention
     returning id`,
    [customer.code, customer.name, customer.numberMask, randomBytes(32), JSON.stringify(customer.retention)],
  );
  return row!.id;
}

async function upsertProfiles(tx: Tx, contractId: string, contract: ContractEntry): Promise<number> {
  for (const profile of contract.profiles) {
    await tx.query(
      `insert into sync_profile (contract_id, name, sync_type, transport, every_minutes, late_days, enabled, file_every_days,
         credential_not_after, since)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (contract_id, name) do update set sync_type = excluded.sync_type, transport = excluded.transport,
         every_minutes = excluded.every_minutes, late_days = excluded.late_days, enabled = excluded.enabled,
         file_every_days = excluded.file_every_days, credential_not_after = excluded.credential_not_after,
         since = excluded.since,
         next_due = least(sync_profile.next_due, now() + make_interval(mins => excluded.every_minutes)),
         suspended_reason = case when sync_profile.transport = excluded.transport then sync_profile.suspended_reason end`,
      [
        contractId,
        profile.name,
        profile.syncType,
        JSON.stringify(profile.transport),
        profile.everyMinutes,
        profile.lateDays,
        profile.enabled,
        profile.fileEveryDays,
        profile.credentialNotAfter ?? null,
        profile.since ?? null,
      ],
    );
  }
  return contract.profiles.length;
}
