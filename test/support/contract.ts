/** A customer with one contract, one profile and one received file, for tests of what happens to records and totals. */
import type { Database } from '../../src/database/session.ts';

export interface TestContract {
  readonly customerId: string;
  readonly contractId: string;
  readonly profileId: string;
}

export async function makeContract(database: Database, code = 'C001', account = '0000000101'): Promise<TestContract> {
  const [customer] = await database.query<{ id: string }>(
    `insert into customer (code, name, hash_key) values ($1, 'Test', '\\x00') returning id`,
    [code],
  );
  const [contract] = await database.query<{ id: string }>(
    `insert into contract (customer_id, provider, account_no) values ($1, 'KPN', $2) returning id`,
    [customer!.id, account],
  );
  const [profile] = await database.query<{ id: string }>(
    `insert into sync_profile (name, contract_id, sync_type, transport) values ('sp16', $1, 'KPN_SP16', '{}') returning id`,
    [contract!.id],
  );
  return { customerId: customer!.id, contractId: contract!.id, profileId: profile!.id };
}

export async function makeFile(
  database: Database,
  contract: TestContract,
  seq: number,
  version = 1,
): Promise<{ rawFileId: string; logicalKey: string; version: number }> {
  const logicalKey = `0000000101/202603/${String(seq).padStart(6, '0')}`;
  const [file] = await database.query<{ id: string }>(
    `insert into raw_file (contract_id, profile_id, version, name, sha256, bytes, logical_key, seq, state)
     values ($1, $2, $3, $4, sha256($5::bytea), 1, $6, $7, 'received') returning id`,
    [contract.contractId, contract.profileId, version, `f${seq}`, Buffer.from(`${seq}.${version}`), logicalKey, seq],
  );
  return { rawFileId: file!.id, logicalKey, version };
}
