/** What a fetch brought, and how it becomes rows: every file in exactly one state of `raw_file`. */
import type { Json } from '../../chains/define.ts';
import type { Tx } from '../../database/session.ts';
import { lockContract } from '../../totals/cycles.ts';
import type { SyncInput, SyncSubject } from '../sync-input.ts';
import type { NamedFile } from './file-name.ts';

export const alertAfterPolls = 3;

interface Fetched {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Null when its name is not to be believed: then the file has no place in the sequence. */
  readonly named: NamedFile | null;
  /** How it looked from outside; null where that says nothing. */
  readonly stamp: string | null;
}

export type Found =
  | (Fetched & { readonly kind: 'received' | 'duplicate' })
  | (Fetched & { readonly kind: 'refused'; readonly reason: string })
  | { readonly kind: 'pending'; readonly name: string; readonly stamp: string; readonly reason: string };

/** A file as the import sees it. */
export interface ReceivedFile {
  readonly id: string;
  readonly name: string;
  readonly sha256: string;
  readonly logicalKey: string;
  readonly seq: number | null;
  readonly version: number;
}

/** In how many earlier runs the file was seen and not ready. */
export function pollsBefore(subject: SyncSubject, name: string): number {
  return subject.watermark.pending?.[name] ?? 0;
}

const insertFile = `
  insert into raw_file (contract_id, profile_id, version, name, sha256, bytes, logical_key, seq, state, reason, remote_stamp)
  select $1, $2, coalesce(max(version) filter (where state <> 'duplicate'), 0) + 1, $3, decode($4, 'hex'), $5, $6, $7, $8, $9, $10
  from raw_file where contract_id = $1 and logical_key = $6
  returning id, version`;

export interface StoredFiles {
  readonly counts: { received: number; duplicate: number; refused: number; pending: number };
  /** Those that are to be imported. */
  readonly received: readonly ReceivedFile[];
}

type Whose = Pick<SyncInput, 'contractId' | 'profileId'>;

/** A profile whose provider let it in is not suspended any more. The contract is locked until the transaction ends. */
export async function storeFound(tx: Tx, input: Whose, found: readonly Found[]): Promise<StoredFiles> {
  const stored = await storeFiles(tx, input, found);
  await tx.query('update sync_profile set suspended_reason = null where id = $1', [input.profileId]);
  return stored;
}

/** The contract is locked until the transaction ends. */
export async function storeFiles(tx: Tx, input: Whose, found: readonly Found[]): Promise<StoredFiles> {
  await lockContract(tx, input.contractId);
  const counts = { received: 0, duplicate: 0, refused: 0, pending: 0 };
  const received: ReceivedFile[] = [];
  for (const entry of found) {
    if (entry.kind === 'pending') {
      counts.pending += 1;
      continue;
    }
    const state = await stateFor(tx, input, entry);
    counts[state === 'quarantined' ? 'refused' : state] += 1;
    const { name, sha256, bytes, named, stamp } = entry;
    const reason = state === 'duplicate' ? 'the same bytes are already here' : 'reason' in entry ? entry.reason : null;
    const { logicalKey = null, seq = null } = named ?? {};
    const values = [input.contractId, input.profileId, name, sha256, bytes, logicalKey, seq, state, reason, stamp];
    const [row] = await tx.query<{ id: string; version: number }>(insertFile, values);
    if (state === 'received') received.push({ ...row!, name, sha256, logicalKey: named!.logicalKey, seq });
  }
  return { counts, received };
}

/** What is seen and not whole yet is remembered by the profile, with the number of runs that saw it. */
export async function rememberPending(
  tx: Tx,
  input: SyncInput,
  subject: SyncSubject,
  found: readonly Found[],
): Promise<void> {
  const pending: Record<string, number> = {};
  const stamps: Record<string, string> = {};
  for (const entry of found) {
    if (entry.kind !== 'pending') continue;
    pending[entry.name] = pollsBefore(subject, entry.name) + 1;
    stamps[entry.name] = entry.stamp;
  }
  await tx.query('update sync_profile set watermark = watermark || $2::jsonb where id = $1', [
    input.profileId,
    JSON.stringify({ pending, stamps } satisfies Json),
  ]);
}

/**
 * Of two tasks that fetched the same bytes at once, the second finds them stored: a duplicate. Bytes that were refused under
 * another name are tried under this one, and the other becomes the duplicate.
 */
async function stateFor(
  tx: Tx,
  input: Whose,
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
