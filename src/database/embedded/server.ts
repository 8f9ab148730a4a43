/**
 * The embedded PostgreSQL: one server for one state directory, owned by this process through a keeper (keeper.ts).
 *
 * - The state directory is owned first (ownership.ts); a second opener gets `StateDirectoryOwnedError`.
 * - A server without keeper on our data is adopted if it answers and was started with our settings; any other is ended
 *   first. An old keeper that is still stopping its server is waited for.
 * - If this process dies in any way, the keeper stops PostgreSQL within moments.
 * - When PostgreSQL or the keeper ends, `onEnd` says so, once; starting again is the caller's decision. A keeper that was
 *   killed leaves its server running, and the next start adopts it with all its sessions.
 *
 * Throws `EmbeddedUnavailableError` for what only a person can change and `EmbeddedStartError` for a failed start, with
 * the end of PostgreSQL's log.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { clusterUrl, ensureCluster, serverArguments, serverEnvironment } from './cluster.ts';
import { findKeeper, type KeeperOrder, type KeeperReport } from './keeper-protocol.ts';
import { findOrphan } from './orphan.ts';
import { type Ownership, ownStateDirectory } from './ownership.ts';
import { type Log, type Placement, type PlacementOptions, placeCluster } from './placement.ts';

export interface EmbeddedOptions extends PlacementOptions {
  /** An ownership the process already holds; without it this server takes one and gives it back at its end. */
  readonly ownership?: Ownership;
  /** For a start that includes recovery. Default 120,000. */
  readonly startTimeoutMs?: number;
}

export interface EmbeddedEnd {
  /** True after `stop()`. */
  readonly wanted: boolean;
  readonly reason: string;
}

export interface EmbeddedServer {
  /** Of the database `linekeeper`, as its superuser. */
  readonly url: string;
  readonly pid: number;
  readonly keeperPid: number;
  readonly adopted: boolean;
  /** Fast shutdown; resolves when PostgreSQL has ended. Idempotent. */
  stop(): Promise<void>;
  /** Calls `listener` exactly once, at once if it has ended already. */
  onEnd(listener: (end: EmbeddedEnd) => void): void;
}

export class EmbeddedStartError extends Error {
  override readonly name = 'EmbeddedStartError';
}

const keeperGoneMs = 60_000;

export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const ownership = options.ownership ?? (await ownStateDirectory(options.stateDirectory));
  const giveBack = async () => {
    if (!options.ownership) await ownership.release();
  };
  let keeper: Keeper | undefined;
  try {
    const placement = await placeCluster(options);
    await waitForOldKeeper(placement, options.log);
    const adopt = existsSync(placement.data) ? await findOrphan(placement, options.log) : null;
    await ensureCluster(placement);
    keeper = startKeeper(placement, adopt);
    const pid = await keeper.ready(options.startTimeoutMs ?? 120_000);
    await ensureDatabase(placement);
    return serverOf(keeper, placement, pid, adopt !== null, giveBack);
  } catch (error) {
    await keeper?.stop();
    await giveBack();
    throw error;
  }
}

function serverOf(
  keeper: Keeper,
  placement: Placement,
  pid: number,
  adopted: boolean,
  giveBack: () => Promise<void>,
): EmbeddedServer {
  // Told only when the directory is free, so that whoever hears it may start again at once.
  const over = keeper.ended.then(async (end) => {
    // A socket directory away from home (its path was too long) is removed with the socket; an orphan's stays.
    if (placement.socketDirectory !== join(placement.home, 'socket')) {
      await rmdir(placement.socketDirectory).catch(() => {});
    }
    await giveBack();
    return end;
  });
  return {
    url: clusterUrl(placement, 'linekeeper'),
    pid,
    keeperPid: keeper.process.pid!,
    adopted,
    async stop() {
      await keeper.stop();
      await over;
    },
    onEnd(listener) {
      void over.then(listener);
    },
  };
}

interface Keeper {
  readonly process: ChildProcess;
  readonly ended: Promise<EmbeddedEnd>;
  ready(timeoutMs: number): Promise<number>;
  stop(): Promise<void>;
}

function startKeeper(placement: Placement, adopt: number | null): Keeper {
  const order: KeeperOrder = {
    home: placement.home,
    data: placement.data,
    log: join(placement.home, 'postgresql.log'),
    program: join(placement.binaries.native, 'bin/postgres'),
    args: serverArguments(placement),
    env: serverEnvironment(),
    user: placement.user,
    adopt,
    lockedForMs: 15_000,
    fastStopMs: 30_000,
  };
  const child = fork(join(import.meta.dirname, 'keeper.ts'), [JSON.stringify(order)], {
    cwd: '/',
    env: serverEnvironment(),
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ready = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<EmbeddedEnd>();
  ready.promise.catch(() => {});
  let last: EmbeddedEnd | undefined;
  child.on('message', (message: KeeperReport) => {
    if (message.type === 'ready') ready.resolve(message.pid);
    else last = { wanted: message.wanted, reason: message.reason };
  });
  const finish = (end: EmbeddedEnd) => {
    ready.reject(new EmbeddedStartError(`PostgreSQL in ${placement.data} ${end.reason}`));
    ended.resolve(end);
  };
  child.once('error', (error) => finish({ wanted: false, reason: `has no keeper: ${error.message}` }));
  child.once('exit', (code, signal) =>
    finish(last ?? { wanted: false, reason: `lost its keeper (${signal ?? `exit code ${code}`})` }),
  );
  return {
    process: child,
    ended: ended.promise,
    async ready(timeoutMs) {
      const timer = setTimeout(() => {
        ready.reject(new EmbeddedStartError(`PostgreSQL in ${placement.data} was not ready after ${timeoutMs} ms`));
      }, timeoutMs);
      return ready.promise.finally(() => clearTimeout(timer));
    },
    async stop() {
      if (child.connected) child.send('stop', () => {});
      await ended.promise;
    },
  };
}

/** An owner that was killed leaves a keeper that is stopping PostgreSQL. */
async function waitForOldKeeper(placement: Placement, log: Log): Promise<void> {
  const deadline = performance.now() + keeperGoneMs;
  for (let told = false; ; told = true) {
    const pid = findKeeper(placement.home);
    if (pid === null) return;
    if (!told) log.info({ keeperPid: pid }, `waiting for keeper ${pid}, which stops the PostgreSQL of a former owner`);
    if (performance.now() > deadline) {
      log.warn({ keeperPid: pid }, `keeper ${pid} of a former owner does not end; it is killed`);
      process.kill(pid, 'SIGKILL');
    }
    await delay(25);
  }
}

async function ensureDatabase(placement: Placement): Promise<void> {
  const client = new pg.Client({
    connectionString: clusterUrl(placement, 'postgres'),
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    const found = await client.query(`select from pg_database where datname = 'linekeeper'`);
    if (found.rowCount === 0) await client.query('create database linekeeper');
  } finally {
    await client.end();
  }
}
