/**
 * PostgreSQL refuses to run as root, so a root process runs it as another user: `postgres` where that user exists, else
 * `nobody`. What this user cannot reach (a clone under a mode-700 home) is found by trying, as that user.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EmbeddedUnavailableError } from './binaries.ts';

const run = promisify(execFile);

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user for a process of root's. Throws `EmbeddedUnavailableError` when there is none that we can become. */
export async function findServerUser(): Promise<ServerUser> {
  const refused: string[] = [];
  for (const name of ['postgres', 'nobody']) {
    const user = await lookUp(name).catch(() => null);
    if (!user) continue;
    try {
      await run('/bin/true', [], asUser(user));
      return user;
    } catch (error) {
      refused.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new EmbeddedUnavailableError(
    `PostgreSQL does not run as root, and there is no other user to run it as (${refused.join('; ') || 'neither postgres nor nobody exists'}): start as an ordinary user, or set DATABASE_URL`,
  );
}

/** The user with this uid or name. */
export async function lookUp(nameOrUid: string | number): Promise<ServerUser> {
  const [name, uid, gid] = await Promise.all(
    ['-un', '-u', '-g'].map(async (flag) => (await run('id', [flag, '--', String(nameOrUid)])).stdout.trim()),
  );
  return { name: name!, uid: Number(uid), gid: Number(gid) };
}

/** True when the user can enter the directory. */
export async function canEnter(user: ServerUser, directory: string): Promise<boolean> {
  return run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], asUser(user)).then(
    () => true,
    () => false,
  );
}

/** True when the user can start this postgres with its libraries. */
export async function canRun(user: ServerUser | null, native: string): Promise<boolean> {
  return run(`${native}/bin/postgres`, ['--version'], user ? asUser(user) : { cwd: '/', env: {} }).then(
    () => true,
    () => false,
  );
}

function asUser(user: ServerUser) {
  return { uid: user.uid, gid: user.gid, cwd: '/', env: {} };
}
