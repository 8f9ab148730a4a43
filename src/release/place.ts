/**
 * Where this release lives, and where it was started through: usually the link `current`, which a deployment moves.
 *
 * A directory is known by device and inode, so that one which was deleted and made again under the same name is another
 * one. `process.cwd()` is cached by Node and tells nothing. What cannot be looked at for another reason than that it is not
 * there (no permission, a file system that fails) is thrown: nothing may be concluded from it.
 */
import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

export interface ReleasePlace {
  /** The real directory that this code was loaded from. */
  readonly directory: string;
  /** What leads to the release that is wanted: a link, or the directory itself. */
  readonly current: string;
  /** Of the directory when the process began; null: it was gone already. */
  readonly identity: string | null;
}

export interface Observation {
  /** Whether our own directory is still there, and still the same one. */
  readonly own: boolean;
  /** What `current` leads to; null when it leads nowhere. */
  readonly current: { readonly directory: string; readonly identity: string } | null;
}

/** The root of this very release. */
const ownDirectory = resolve(import.meta.dirname, '../..');

/** `entry` is `src/cli/main.ts` by the path that it was started with, which the launcher does not resolve. */
export async function findPlace(entry: string | undefined, configured: string | undefined): Promise<ReleasePlace> {
  return placeOf(ownDirectory, configured ?? (await startedThrough(entry)) ?? ownDirectory);
}

export async function placeOf(directory: string, current: string): Promise<ReleasePlace> {
  return { directory, current, identity: await identityOf(directory) };
}

/** Null for an entry that is not this release's (a test, a program that uses the service as a library). */
async function startedThrough(entry: string | undefined): Promise<string | null> {
  if (entry === undefined || !entry.endsWith('/src/cli/main.ts')) return null;
  const root = dirname(dirname(dirname(entry)));
  // a link that was moved meanwhile does not lead to us any more, and is a link all the same
  const isLink = (await realpath(root).catch(() => null)) !== root;
  return isLink || root === ownDirectory ? root : null;
}

export async function observe({ directory, current, identity }: ReleasePlace): Promise<Observation> {
  const own = identity !== null && (await identityOf(directory)) === identity;
  const target = await unlessGone(realpath(current));
  const found = target === null ? null : await identityOf(target);
  return { own, current: target === null || found === null ? null : { directory: target, identity: found } };
}

/** Null when it is gone, and when it was emptied. */
async function identityOf(directory: string): Promise<string | null> {
  const found = await unlessGone(stat(directory, { bigint: true }));
  if (!found?.isDirectory() || !(await unlessGone(stat(join(directory, 'package.json'))))) return null;
  return `${found.dev}:${found.ino}`;
}

const gone = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE']);

async function unlessGone<T>(look: Promise<T>): Promise<T | null> {
  try {
    return await look;
  } catch (error) {
    if (gone.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
