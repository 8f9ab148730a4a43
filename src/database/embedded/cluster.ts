/**
 * The database cluster of an embedded server: how it is made, who may connect and how it is tuned.
 *
 * initdb works under another name and the finished cluster is renamed, so a crash in between leaves nothing that looks
 * like a cluster. fsync stays on: this is where the customers' records live.
 *
 * Authentication is `peer`: the kernel names the user at the other end of the socket, and only root and the user that
 * PostgreSQL runs as may be the role `linekeeper`. There is no password to keep, no TCP port, and the socket's directory
 * has mode 0700 besides.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedUnavailableError } from './binaries.ts';
import type { Placement } from './placement.ts';

const run = promisify(execFile);

/** Makes the cluster if there is none, and writes the authentication files. */
export async function ensureCluster(placement: Placement): Promise<void> {
  const { home, data, user } = placement;
  await writeAuthentication(placement);
  if (existsSync(join(data, 'PG_VERSION'))) {
    const major = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
    const ours = placement.binaries.version.split('.')[0];
    if (major !== ours) {
      throw new EmbeddedUnavailableError(
        `the database in ${data} was made by PostgreSQL ${major} and this release brings ${ours}: dump it with the old release and load it again, or set DATABASE_URL`,
      );
    }
    return;
  }
  for (const name of await readdir(home)) {
    if (name.startsWith('data.draft-')) await rm(join(home, name), { recursive: true, force: true });
  }
  const draft = join(home, `data.draft-${randomBytes(4).toString('hex')}`);
  await mkdir(draft, { mode: 0o700 });
  if (user) await chown(draft, user.uid, user.gid);
  await initialise(placement, draft, []);
  await rename(draft, data);
  const directory = await open(home, 'r');
  await directory.sync();
  await directory.close();
}

/** initdb into an empty directory of the server's user. Also used by the tests' server. */
export async function initialise(placement: Placement, data: string, extra: readonly string[]): Promise<void> {
  const { binaries, user } = placement;
  try {
    await run(
      join(binaries.native, 'bin/initdb'),
      [
        ...['-D', data, '-U', 'linekeeper', '-A', 'peer', '-E', 'UTF8', '--no-locale', '--no-instructions'],
        ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', ...extra],
      ],
      { ...(user ? { uid: user.uid, gid: user.gid } : {}), cwd: '/', env: serverEnvironment() },
    );
  } catch (cause) {
    const words = String((cause as { stderr?: unknown }).stderr ?? (cause as Error).message).trim();
    const hint = words.includes('could not look up effective user ID')
      ? ` (PostgreSQL needs an entry in /etc/passwd for uid ${process.getuid?.()}; add one, or set DATABASE_URL)`
      : '';
    throw new EmbeddedUnavailableError(`initdb failed in ${data}: ${words}${hint}`, { cause });
  }
}

/** Nothing of ours is inherited: no NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*, PG* or NODE_OPTIONS. */
export function serverEnvironment(): Record<string, string> {
  return { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** The command line of `postgres`. Its cluster_name tells whether a running server was started with exactly these. */
export function serverArguments(placement: Placement): string[] {
  const { home, data, socketDirectory, binaries } = placement;
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: socketDirectory,
    unix_socket_permissions: '0700',
    hba_file: join(home, 'pg_hba.conf'),
    ident_file: join(home, 'pg_ident.conf'),
    max_connections: '100',
    shared_buffers: '256MB',
    work_mem: '16MB',
    maintenance_work_mem: '128MB',
    max_wal_size: '2GB',
    min_wal_size: '128MB',
    wal_compression: 'on',
    checkpoint_timeout: '15min',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Server events only: a statement's error is its caller's to log, and its details may hold personal data.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
  };
  const list = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const print = createHash('sha256')
    .update(JSON.stringify([binaries.native, binaries.version, list]))
    .digest('hex');
  return ['-D', data, ...list, '-c', `cluster_name=linekeeper-${print.slice(0, 12)}`];
}

export function clusterUrl(placement: Placement, database: string): string {
  return `postgres://linekeeper@/${database}?host=${encodeURIComponent(placement.socketDirectory)}`;
}

async function writeAuthentication({ home, user }: Placement): Promise<void> {
  const names = new Set(['root', user?.name ?? ownName()]);
  const files = {
    'pg_hba.conf': 'local all linekeeper peer map=linekeeper\n',
    'pg_ident.conf': [...names].map((name) => `linekeeper "${name}" linekeeper\n`).join(''),
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(home, name), text);
    await chmod(join(home, name), 0o644);
  }
}

/** initdb says it better when this uid has no name. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'root';
  }
}
