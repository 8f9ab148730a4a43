/** What `fetch` found, and how it becomes rows. */
import type { Json } from '../../chains/define.ts';
import type { Tx } from '../../database/session.ts';
import { lockContract } from '../../totals/cycles.ts';
import type { SyncInput, SyncSubject } from '../sync-input.ts';
import type { RemoteFile } from '../transports/transport.ts';
import type { Sp16Name } from './file-name.ts';

export const alertAfterPolls = 3;

export type Found =
  | { kind: 'received' | 'duplicate'; file: RemoteFile; name: Sp16Name; sha256: string; bytes: number }
  /** `name` is null when it is not to be believed: then the file has no place in the sequence. */
  | { kind: 'refused'; file: RemoteFile; name: Sp16Name | null; sha256: string; bytes: number; reason: string }
  | { kind: 'pending'; file: RemoteFile; reason: string };

/** In how many earlier runs the file was seen and not ready. */
export function pollsBefore(subject: SyncSubject, name: string): number {
  return subject.watermark.pending?.[name] ?? 0;
}

const insertFile = `
  insert into raw_file (contract_id, profile_id, version, name, sha256, bytes, logical_key, seq, state, reason)
  select $1, $2, coalesce(max(version) filter (where state <> 'duplicate'), 0) + 1, $3, decode($4, 'hex'), $5, $6, $7, $8, $9
  from raw_file where contract_id = $1 and logical_key = $6`;

export async function storeFiles(
  tx: Tx,
  input: SyncInput,
  subject: SyncSubject,
  found: readonly Found[],
): Promise<Json> {
  await lockContract(tx, input.contractId);
  const counts = { received: 0, duplicate: 0, refused: 0, pending: 0 };
  const pending: Record<string, number> = {};
  for (const entry of found) {
    if (entry.kind === 'pending') {
      counts.pending += 1;
      pending[entry.file.name] = pollsBefore(subject, entry.file.name) + 1;
      continue;
    }
    const state = await stateFor(tx, input, entry);
    counts[state === 'quarantined' ? 'refused' : state] += 1;
    const reason =
      state === 'duplicate' ? 'the same bytes are already here' : entry.kind === 'refused' ? entry.reason : null;
    await tx.query(insertFile, [
      input.contractId,
      input.profileId,
      entry.file.name,
      entry.sha256,
      entry.bytes,
      entry.name?.logicalKey ?? null,
      entry.name?.seq ?? null,
      state,
      reason,
    ]);
  }
  // a forced run of a suspended profile that got through ends the suspension, as it ends its alert
  await tx.query(
    `update sync_profile set watermark = jsonb_set(watermark, '{pending}', $2::jsonb), suspended_reason = null where id = $1`,
    [input.profileId, JSON.stringify(pending)],
  );
  return counts;
}

/**
 * Of two tasks that fetched the same bytes at once, the second finds them stored: a duplicate. Bytes that were refused under
 * another name are tried under this one, and the other becomes the duplicate.
 */
async function stateFor(
  tx: Tx,
  input: SyncInput,
  entry: Exclude<Found, { kind: 'pending' }>,
): Promise<'received' | 'duplicate' | 'quarantined'> {
  const [there] = await tx.query<{ id: string; state: string }>(
    `select id, state from raw_file where contract_id = $1 and sha256 = decode($2, 'hex') and state <> 'duplicate'`,
    [input.contractId, entry.sha256],
  );
  if (entry.kind === 'refused') return there ? 'duplicate' : 'quarantined';
  if (entry.kind === 'duplicate') return 'duplicate';
  if (!there) return 'received';
  if (there.state !== 'quarantined') return 'duplicate';
  await tx.query(`update raw_file set state = 'duplicate' where id = $1`, [there.id]);
  return 'received';
}
