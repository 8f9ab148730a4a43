/**
 * The archive: every downloaded byte, kept under the sha256 of its content.
 *
 *   archive-id              says which archive this is; the database knows the id it belongs to
 *   incoming/<random>       being written; leftovers of a killed process go when the archive is opened
 *   ab/abcdef…              the files, by the first two digits of their hash
 *
 * `put` writes to `incoming`, fsyncs, renames and fsyncs the directory: a file that has its name is whole and durable, and the
 * row that names it comes after it. Putting the same bytes twice, also at once from several nodes, is one file. Memory is one
 * chunk. Errors of the file system arrive as `ArchiveError` with the way out; an error of the source arrives as it is.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError, archiveTrouble } from './archive-error.ts';
import { createOnce, ensureDirectory, sweepLeftovers, syncDirectory } from './durable-file.ts';

export interface ArchiveOptions {
  /** The id this archive must have; null adopts the one that is there, or makes one in a new archive. */
  readonly expectedId: string | null;
  /** A new random id, also used for temporary names. */
  readonly randomId: () => string;
  readonly nowMs: () => number;
  /** Files in `incoming` that nobody wrote to for this long are swept at open. Default an hour: other nodes may be writing. */
  readonly leftoverAgeMs?: number;
}

export interface ArchivedFile {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly path: string;
}

export interface Archive {
  readonly id: string;
  /** Temporary files of earlier processes that were removed at open. */
  readonly swept: number;
  /** Takes the stream to its end. Aborting destroys nothing but the temporary file. */
  put(source: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal }): Promise<ArchivedFile>;
  /** Where the file of that hash is, if it is there. Throws RangeError when it is no sha256 in lower-case hex. */
  path(sha256: string): string;
  /** Removes the file of that hash, if it is there and was not put again within the last hour; resolves to whether it is gone. */
  remove(sha256: string): Promise<boolean>;
  /** Reads the file again. Throws `ArchiveError` `missing` or `corrupt`. */
  verify(sha256: string): Promise<ArchivedFile>;
}

const idFile = 'archive-id';
const incomingName = 'incoming';
const idForm = /^[A-Za-z0-9-]{1,64}$/;
const hourMs = 3_600_000;

/**
 * `directory` must exist. Throws `ArchiveError`: `wrong-archive` when its id is another one than expected, or is missing
 * where one is expected (a mount that is not there looks like an empty directory).
 */
export async function openArchive(directory: string, options: ArchiveOptions): Promise<Archive> {
  return guarded(directory, async () => {
    const found = await stat(directory);
    if (!found.isDirectory()) throw new ArchiveError('unavailable', `the archive ${directory} is no directory`);
    let id = await readId(directory);
    checkId(directory, id, options.expectedId);
    const incoming = await ensureDirectory(directory, incomingName);
    const swept = await sweepLeftovers(incoming, options.nowMs() - (options.leftoverAgeMs ?? hourMs));
    if (id === null) {
      await createOnce(directory, idFile, join(incoming, options.randomId()), `${options.randomId()}\n`);
      id = (await readId(directory))!;
    }
    return createArchive(directory, incoming, id, swept, options);
  });
}

function createArchive(
  directory: string,
  incoming: string,
  id: string,
  swept: number,
  { randomId, nowMs }: ArchiveOptions,
): Archive {
  function path(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new RangeError('not a sha256 in lower-case hex');
    return join(directory, sha256.slice(0, 2), sha256);
  }

  return {
    id,
    swept,
    path,
    async put(source, putOptions = {}) {
      const temporary = join(incoming, randomId());
      const written = await writeTemporary(directory, temporary, source, putOptions.signal);
      return guarded(directory, async () => {
        try {
          const target = path(written.sha256);
          const shard = await ensureDirectory(directory, written.sha256.slice(0, 2));
          const known = await stat(target).catch(() => null);
          // an equal size is a file that was renamed whole; anything else is damage that these bytes repair
          if (known?.size !== written.bytes) {
            await rename(temporary, target);
            await syncDirectory(shard);
          } else {
            // whoever removes what nobody needs sees that somebody needs it again
            const now = new Date(nowMs());
            await utimes(target, now, now);
          }
          return { ...written, path: target };
        } finally {
          await rm(temporary, { force: true });
        }
      });
    },
    remove: (sha256) => guarded(directory, () => removeUnused(path(sha256), nowMs() - hourMs)),
    verify: (sha256) => guarded(directory, () => verifyFile(path(sha256), sha256)),
  };
}

async function removeUnused(path: string, beforeMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found === null) return true;
  if (found.mtimeMs > beforeMs) return false;
  await rm(path, { force: true });
  return true;
}

async function writeTemporary(
  directory: string,
  temporary: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let whole = false;
  const file = await guarded(directory, () => open(temporary, 'wx', 0o640));
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      hash.update(chunk);
      bytes += chunk.length;
      await guarded(directory, () => writeAll(file, chunk));
    }
    signal?.throwIfAborted();
    await guarded(directory, () => file.sync());
    whole = true;
  } finally {
    await file.close();
    if (!whole) await rm(temporary, { force: true });
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

async function verifyFile(path: string, sha256: string): Promise<ArchivedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ArchiveError('missing', `${path} is not in the archive: restore it from a backup`, error);
  }
  const actual = hash.digest('hex');
  if (actual !== sha256) {
    throw new ArchiveError('corrupt', `${path} holds other bytes (sha256 ${actual}): restore it from a backup`);
  }
  return { sha256, bytes, path };
}

async function readId(directory: string): Promise<string | null> {
  try {
    return (await readFile(join(directory, idFile), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function checkId(directory: string, id: string | null, expectedId: string | null): void {
  if (id !== null && !idForm.test(id)) {
    throw new ArchiveError('wrong-archive', `${join(directory, idFile)} holds no archive id: is this the archive?`);
  }
  if (expectedId === null || id === expectedId) return;
  const what = id === null ? 'has no archive-id' : `is the archive ${id}`;
  throw new ArchiveError(
    'wrong-archive',
    `${directory} ${what}, but the database belongs to the archive ${expectedId}: mount or configure that one`,
  );
}

async function guarded<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw archiveTrouble(directory, error);
  }
}
