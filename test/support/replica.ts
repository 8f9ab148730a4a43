/**
 * A primary and its streaming standby, both real PostgreSQL from npm on sockets in temporary directories. The standby is
 * made as pg_basebackup makes one (which npm does not bring): pg_backup_start and pg_backup_stop around a copy of the data.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { initialise, serverEnvironment } from '../../src/database/embedded/cluster.ts';
import { type Placement, placeCluster } from '../../src/database/embedded/placement.ts';
import { admin } from './database.ts';
import { until } from './service.ts';

export interface Member {
  /** Directory of its socket. */
  readonly host: string;
  /** Of its database `postgres`; a superuser. */
  readonly url: string;
  /** As the power does. */
  kill(): Promise<void>;
  /** Starts it on the data that it has, as what it was. */
  start(): Promise<void>;
  /** A standby becomes a primary, on the next timeline. */
  promote(): Promise<void>;
}

export interface Pair {
  readonly primary: Member;
  readonly standby: Member;
  /** With both as hosts, in this order. */
  readonly url: string;
  /** The standby gets nothing more: what is committed from now on it does not have. */
  cutOff(): Promise<void>;
  /** The old primary, thrown away and made anew as a standby of the new one. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}

export interface PairOptions {
  /** A commit waits until the standby has it. */
  readonly synchronous: boolean;
  /** Before the standby is made. */
  readonly fill?: (url: string) => Promise<void>;
}

const standbyName = 'second';

export async function startPair({ synchronous, fill }: PairOptions): Promise<Pair> {
  const directory = mkdtempSync(join(tmpdir(), 'lkp-'));
  chmodSync(directory, 0o711);
  const primary = await makeMember(join(directory, 'a'), []);
  const { data } = primary.placement;
  await initialise(primary.placement, data, ['-A', 'trust', '-N']);
  await primary.start();
  await fill?.(primary.url);
  const standby = await makeMember(join(directory, 'b'), ['wal_retrieve_retry_interval=200ms']);
  await copyData(primary, standby);
  await standby.start();
  await until('the standby to stream', async () => (await streams(primary.url)) || null);
  if (synchronous) {
    await admin(primary.url, `alter system set synchronous_standby_names = '${standbyName}'`);
    await admin(primary.url, 'select pg_reload_conf()');
    const inSync = async () => (await streams(primary.url)) === 'sync';
    await until('the standby to be synchronous', inSync);
  }
  return {
    primary,
    standby,
    url: `postgres://linekeeper@/postgres?host=${primary.host},${standby.host}`,
    async cutOff() {
      await admin(standby.url, `alter system set primary_conninfo = 'host=/nowhere'`);
      await admin(standby.url, 'select pg_reload_conf()');
      await until('the standby to be cut off', async () => (await streams(primary.url)) === '');
    },
    async rebuild() {
      await primary.kill();
      rmSync(data, { recursive: true });
      mkdirSync(data, { mode: 0o700 });
      await copyData(standby, primary);
      await primary.start();
    },
    async close() {
      await Promise.all([primary.kill(), standby.kill()]);
      for (const { placement } of [primary, standby])
        rmSync(placement.socketDirectory, { recursive: true, force: true });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface OwnMember extends Member {
  readonly placement: Placement;
}

async function makeMember(stateDirectory: string, own: readonly string[]): Promise<OwnMember> {
  mkdirSync(stateDirectory);
  chmodSync(stateDirectory, 0o711);
  const placement = await placeCluster({ stateDirectory, log: { info: () => {}, warn: () => {} } });
  const { data, user, binaries, socketDirectory } = placement;
  mkdirSync(data, { mode: 0o700 });
  if (user) chownSync(data, user.uid, user.gid);
  const settings = [
    `unix_socket_directories=${socketDirectory}`,
    'listen_addresses=',
    'max_connections=100',
    'fsync=off',
    'wal_level=replica',
    ...own,
  ];
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  const identity = user ? { uid: user.uid, gid: user.gid } : {};
  const url = `postgres://linekeeper@/postgres?host=${encodeURIComponent(socketDirectory)}`;
  let server: ChildProcess | null = null;
  return {
    placement,
    host: socketDirectory,
    url,
    async start() {
      // the shared memory of one that was killed is free a moment later
      await until('the server to answer', async () => {
        if (server === null || server.exitCode !== null) {
          server = spawn(join(binaries.native, 'bin/postgres'), args, {
            ...identity,
            cwd: '/',
            stdio: 'ignore',
            env: serverEnvironment(),
          });
        }
        return admin(url, 'select 1').then(
          () => true,
          () => null,
        );
      });
    },
    async kill() {
      const killed = server;
      if (!killed || killed.exitCode !== null || killed.signalCode !== null) return;
      const ended = new Promise((resolve) => killed.once('exit', resolve));
      const children = readFileSync(`/proc/${killed.pid}/task/${killed.pid}/children`, 'utf8').match(/\d+/g) ?? [];
      killed.kill('SIGKILL');
      // a busy backend would go on for a while, and answer
      for (const pid of children) endProcess(Number(pid));
      await ended;
      server = null;
    },
    promote: () => admin(url, 'select pg_promote(true, 10)'),
  };
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it is gone already
  }
}

async function copyData(from: OwnMember, to: OwnMember): Promise<void> {
  const client = new pg.Client({ connectionString: from.url });
  await client.connect();
  try {
    await client.query(`select pg_backup_start('pair', true)`);
    const { data, user } = to.placement;
    const leftOut = new Set(['pg_wal', 'postmaster.pid', 'postmaster.opts']);
    const source = from.placement.data;
    cpSync(source, data, {
      recursive: true,
      filter: (path) => path === source || !leftOut.has(basename(path)) || path.slice(source.length + 1).includes('/'),
    });
    const { rows } = await client.query<{ label: string }>('select labelfile as label from pg_backup_stop(true)');
    writeFileSync(join(data, 'backup_label'), rows[0]!.label);
    writeFileSync(join(data, 'standby.signal'), '');
    // in the file, where cutOff can replace it
    const follows = `host=${from.host} user=linekeeper application_name=${standbyName}`;
    appendFileSync(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${follows}'\n`);
    mkdirSync(join(data, 'pg_wal'), { mode: 0o700 });
    if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, data]);
    chmodSync(data, 0o700);
  } finally {
    await client.end();
  }
}

/** `async` or `sync`; empty while nothing streams. */
async function streams(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ kind: string }>(
      `select sync_state as kind from pg_stat_replication where state = 'streaming'`,
    );
    return rows[0]?.kind ?? '';
  } finally {
    await client.end();
  }
}
