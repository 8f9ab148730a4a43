/**
 * Where the parts of one embedded PostgreSQL live. Normally the cluster is `<stateDirectory>/postgresql` and the binaries
 * are those in node_modules. A root process runs PostgreSQL as another user, and what that user cannot reach lives under
 * the system directory instead: the cluster in one of its own, named in `<stateDirectory>/postgresql/placement.json`, and
 * the binaries copied there once. A cluster never moves afterwards: where its data is, it is looked for.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Binaries, completeLinks, copyBinaries, EmbeddedUnavailableError, findBinaries } from './binaries.ts';
import { findPostmaster } from './postmaster.ts';
import { canEnter, canRun, findServerUser, lookUp, type ServerUser } from './server-user.ts';

export interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface Placement {
  /** Holds data/, the two authentication files and postgresql.log. */
  readonly home: string;
  readonly data: string;
  readonly binaries: Binaries;
  /** Mode 0700, short enough for a socket's path. */
  readonly socketDirectory: string;
  /** Null: PostgreSQL runs as this process's own user. */
  readonly user: ServerUser | null;
}

export interface PlacementOptions {
  readonly stateDirectory: string;
  readonly log: Log;
  /** For what a root process's server user cannot reach otherwise. Default /var/lib/linekeeper. */
  readonly systemDirectory?: string;
}

/** The longest path of a unix socket is 107 bytes; the name in the directory is `.s.PGSQL.5432`. */
const longestSocketDirectory = 107 - '/.s.PGSQL.5432'.length;

export async function placeCluster(options: PlacementOptions): Promise<Placement> {
  const stateDirectory = realpathSync(options.stateDirectory);
  const systemDirectory = options.systemDirectory ?? '/var/lib/linekeeper';
  const isRoot = process.getuid?.() === 0;
  const usual = join(stateDirectory, 'postgresql');
  await makeDirectory(usual, isRoot);

  const recorded = recordedHome(usual);
  let home = existsSync(join(usual, 'data')) ? usual : (recorded ?? usual);
  const user = isRoot ? ((await ownerOf(join(home, 'data'))) ?? (await findServerUser())) : null;
  const moved: string[] = [];

  if (user && !(await canEnter(user, home))) {
    if (home !== usual || existsSync(join(usual, 'data'))) {
      throw new EmbeddedUnavailableError(
        `user ${user.name}, who runs PostgreSQL for root, cannot enter ${home}: make its parents enterable (chmod o+x), or set DATABASE_URL`,
      );
    }
    home = join(systemDirectory, randomBytes(6).toString('hex'));
    await makeDirectory(systemDirectory, true);
    await removeForsaken(systemDirectory, stateDirectory);
    await makeDirectory(home, true);
    if (!(await canEnter(user, home))) {
      throw new EmbeddedUnavailableError(
        `user ${user.name}, who runs PostgreSQL for root, can enter neither ${usual} nor ${systemDirectory}: set stateDirectory to a place that this user reaches, or set DATABASE_URL`,
      );
    }
    await writeFile(join(home, 'state-directory'), `${stateDirectory}\n`);
    await writeFile(join(usual, 'placement.json'), `${JSON.stringify({ home })}\n`);
    moved.push(`its data in ${home}`);
  } else if (home !== usual) {
    await claim(home, stateDirectory);
    moved.push(`its data in ${home}`);
  }
  if (!user) await refuseForeignData(join(home, 'data'));

  let binaries = findBinaries();
  const linked = await completeLinks(binaries.native).then(
    () => true,
    () => false,
  );
  if (!linked || !(await canRun(user, binaries.native))) {
    const target = join(isRoot ? systemDirectory : usual, `postgresql-${binaries.version}`);
    binaries = await copyBinaries(binaries, target);
    if (!(await canRun(user, binaries.native))) {
      throw new EmbeddedUnavailableError(
        `${user ? `user ${user.name}` : 'this user'} cannot run ${target}/bin/postgres (is it on a file system mounted noexec?): set DATABASE_URL`,
      );
    }
    moved.push(`its programs in ${target}`);
  }
  if (user && moved.length > 0) {
    options.log.info(
      { user: user.name, home, native: binaries.native },
      `PostgreSQL runs as user ${user.name}, who cannot reach everything here, so it has ${moved.join(' and ')}`,
    );
  }
  const socketDirectory = await makeSocketDirectory(home, user);
  return { home, data: join(home, 'data'), binaries, socketDirectory, user };
}

function recordedHome(usual: string): string | null {
  const file = join(usual, 'placement.json');
  if (!existsSync(file)) return null;
  const { home } = JSON.parse(readFileSync(file, 'utf8')) as { home: string };
  // Removed by hand: begin again, as with a removed state directory.
  return existsSync(home) ? home : null;
}

/** Clusters of a state directory at this path that was removed: nothing points at them any more. */
async function removeForsaken(systemDirectory: string, stateDirectory: string): Promise<void> {
  for (const name of await readdir(systemDirectory)) {
    const home = join(systemDirectory, name);
    const owner = await readFile(join(home, 'state-directory'), 'utf8').catch(() => '');
    if (owner.trim() === stateDirectory && !findPostmaster(join(home, 'data'))) await rm(home, { recursive: true });
  }
}

/** A copied state directory must not open the original's data; a moved one takes it along. */
async function claim(home: string, stateDirectory: string): Promise<void> {
  const file = join(home, 'state-directory');
  const owner = readFileSync(file, 'utf8').trim();
  if (owner === stateDirectory) return;
  if (recordedHome(join(owner, 'postgresql')) === home) {
    throw new EmbeddedUnavailableError(
      `${stateDirectory} is a copy of ${owner}, and its database in ${home} belongs to the original: remove ${stateDirectory}/postgresql to begin with an empty database, or set DATABASE_URL`,
    );
  }
  await writeFile(file, `${stateDirectory}\n`);
}

/** The user that made the data must run it, also when another candidate appeared since. */
async function ownerOf(data: string): Promise<ServerUser | null> {
  const found = await stat(data).catch(() => null);
  if (!found) return null;
  const known = await lookUp(found.uid).catch(() => null);
  return known ?? { name: `uid ${found.uid}`, uid: found.uid, gid: found.gid };
}

async function refuseForeignData(data: string): Promise<void> {
  const found = await stat(data).catch(() => null);
  if (found && found.uid !== process.getuid?.()) {
    throw new EmbeddedUnavailableError(
      `the database in ${data} belongs to uid ${found.uid} and this process runs as uid ${process.getuid?.()}: start as the user (or root) that made it, or use another stateDirectory`,
    );
  }
}

async function makeSocketDirectory(home: string, user: ServerUser | null): Promise<string> {
  const near = join(home, 'socket');
  const directory =
    Buffer.byteLength(near) <= longestSocketDirectory
      ? near
      : join(user ? '/run' : tmpdir(), `lk-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`);
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(directory);
  const expected = user?.uid ?? process.getuid?.();
  // A temporary directory is everyone's: what is there under our name must be ours.
  if (!found.isDirectory() || (found.uid !== expected && found.uid !== process.getuid?.())) {
    throw new EmbeddedUnavailableError(`${directory} exists and is not ours: remove it, or set TMPDIR`);
  }
  if (user) await chown(directory, user.uid, user.gid);
  await chmod(directory, 0o700);
  return directory;
}

/** For root: enterable for the server's user, whatever the umask; what is inside has modes of its own. */
async function makeDirectory(directory: string, enterable: boolean): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode: enterable ? 0o711 : 0o700 });
  if (created && enterable) await chmod(directory, 0o711);
}
