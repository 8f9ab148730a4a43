/**
 * `import --from-archive`: a file that is there already, on a disk of the service or in its archive, goes through the same import,
 * rating and totals as one that was fetched. The provider is not asked. Bytes that were imported are a duplicate, unless they are
 * to be decoded `again`; bytes that were refused are tried anew.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { ImportStartedView } from '../admin/views.ts';
import type { Tx } from '../database/session.ts';
import { replayName } from '../providers/interpreter/build-chain.ts';
import { isSameAccount, nameParser } from '../providers/interpreter/file-name.ts';
import { storeFiles } from '../providers/interpreter/found-files.ts';
import type { Adapter } from '../providers/spec/adapter.ts';
import { openSyncTask } from '../providers/sync-task.ts';
import { lockContract } from '../totals/cycles.ts';
import type { ServiceContext } from './context.ts';
import { enqueueBlocked, type ProfileRow, profilesOfCustomer } from './sync-services.ts';

export interface ImportRequest extends By {
  readonly customer: string;
  readonly profile?: string;
  /** An absolute path, or the sha256 of archived bytes. */
  readonly from: string;
  readonly again: boolean;
}

interface StoredRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** A later version of the same file was delivered: what this one says of a record is not its last word. */
  readonly overtaken: boolean;
}

const byBytes = `
  select f.id, f.name, f.state, exists (select from raw_file n where n.contract_id = f.contract_id and n.logical_key = f.logical_key
    and n.version > f.version and n.state in ('received', 'imported')) as overtaken
  from raw_file f where f.contract_id = $1 and f.sha256 = decode($2, 'hex') and f.state <> 'duplicate'`;

/** A row whose bytes are there, before one whose bytes were purged. */
const byHash = `
  select name, bytes::float8 as bytes, to_char(purged_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "purgedAt"
  from raw_file where contract_id = $1 and sha256 = decode($2, 'hex') order by purged_at is not null, id limit 1`;

interface ArchivedRow {
  readonly name: string;
  readonly bytes: number;
  readonly purgedAt: string | null;
}

interface Source {
  readonly name: string;
  archived(): Promise<{ sha256: string; bytes: number }>;
}

/** Bytes that were purged are in the archive again, and are purged again. */
const tryAnew = `
  with anew as (update raw_file set state = 'received', reason = null, purged_at = null where id = $1 returning id)
  update quarantine q set state = 'resolved' from anew where q.raw_file_id = anew.id and q.state = 'open'`;

export function importServices(context: ServiceContext) {
  const { database } = context;

  return {
    async importFile(request: ImportRequest): Promise<ImportStartedView> {
      const { profile, adapter } = await chosen(request);
      const source = await sourceOf(request.from, profile);
      const { name } = source;
      const named = nameParser(adapter)(name);
      if (!named) {
        const { nameShown } = adapter.layout.files;
        throw new ServiceError('refused', `${name} is not named as ${adapter.syncType} names its files: ${nameShown}`);
      }
      if (named.account !== null && !isSameAccount(named.account, profile.account)) {
        throw new ServiceError(
          'refused',
          `${name} is of another account than ${profile.account}; nothing was imported`,
        );
      }
      // what is refused leaves nothing in the archive
      const { sha256, bytes } = await source.archived();
      const decision = { result: 'routed', syncType: adapter.syncType, chain: replayName(adapter) } as const;
      const started = await database.transaction(async (tx) => {
        await lockContract(tx, profile.contract_id);
        const whose = { contractId: profile.contract_id, profileId: profile.id };
        const [there] = await tx.query<StoredRow>(byBytes, [profile.contract_id, sha256]);
        if (!(await takesAnew(tx, there ?? null, request.again))) return null;
        if (!there) await storeFiles(tx, whose, [{ kind: 'received', name, named, sha256, bytes, stamp: null }]);
        const options = { requestedBy: request.by, force: false };
        const opened = await openSyncTask(tx, profile, decision, enqueueBlocked(context), options);
        if (opened) return opened;
        throw new ServiceError(
          'conflict',
          `a sync of ${profile.customer}/${profile.name} is under way; ask again when it has ended`,
        );
      });
      if (started?.chainId) context.wake(started.chainId);
      const task = started && { id: started.taskId, chainId: started.chainId };
      return { file: name, sha256, profile: profile.name, state: task ? 'started' : 'duplicate', task };
    },
  };

  async function chosen({
    customer,
    profile: wanted,
  }: ImportRequest): Promise<{ profile: ProfileRow; adapter: Adapter }> {
    const rows = await database.query<ProfileRow>(profilesOfCustomer, [customer, wanted ?? null]);
    const candidates = rows.flatMap((profile) => {
      const found = context.providers.find(({ adapter }) => adapter.syncType === profile.sync_type);
      return found?.adapter.discover.kind === 'files' ? [{ profile, adapter: found.adapter }] : [];
    });
    const [one, other] = candidates;
    if (one && !other) return one;
    if (!one) {
      const which = wanted === undefined ? 'no profile' : `no profile named ${wanted}`;
      throw new ServiceError(
        'not-found',
        `customer ${customer} has ${which} whose provider delivers files; see: linekeeper provider list`,
      );
    }
    const names = candidates.map(({ profile }) => profile.name).join(', ');
    throw new ServiceError('refused', `customer ${customer} has several profiles; name one with --profile: ${names}`);
  }

  async function sourceOf(from: string, profile: ProfileRow): Promise<Source> {
    if (/^[0-9a-f]{64}$/.test(from)) {
      const [row] = await database.query<ArchivedRow>(byHash, [profile.contract_id, from]);
      if (!row) {
        throw new ServiceError('not-found', `the archive has no file ${from} of ${profile.customer}/${profile.name}`);
      }
      const { name, bytes, purgedAt } = row;
      if (purgedAt === null) return { name, archived: async () => ({ sha256: from, bytes }) };
      throw new ServiceError(
        'not-found',
        `the bytes of ${name} were removed from the archive at ${purgedAt}, the end of their retention; when you have the file elsewhere, give its path`,
      );
    }
    const found = await stat(from).catch((error: NodeJS.ErrnoException) => {
      throw new ServiceError('not-found', `${from} cannot be read by the service (${error.code})`);
    });
    if (!found.isFile()) throw new ServiceError('refused', `${from} is no file`);
    return { name: basename(from), archived: () => context.archive.put(createReadStream(from)) };
  }
}

/** False: these bytes were imported, and nobody asked to decode them again. */
async function takesAnew(tx: Tx, there: StoredRow | null, again: boolean): Promise<boolean> {
  if (!there || there.state === 'received') return true;
  if (there.state === 'superseded' || there.overtaken) {
    throw new ServiceError('conflict', `a later delivery took the place of ${there.name}; import that one instead`);
  }
  if (there.state === 'imported' && !again) return false;
  await tx.query(tryAnew, [there.id]);
  return true;
}
