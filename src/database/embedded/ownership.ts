/**
 * Who owns a state directory: the process that listens on `owner.sock` in it. The socket answers every connection with
 * the owner's pid, so a second opener is refused by name. A socket that a killed owner left behind refuses connections,
 * and only then is it removed.
 *
 * The socket is bound under a name of its own and linked to `owner.sock` once it listens: a link is made by one opener
 * only, and nobody can see a socket that is bound but does not listen yet. Asking and removing is done by one opener at a
 * time, or one would remove what another has just made: they queue on an abstract socket, which the kernel frees when its
 * holder dies. (Only openers in different network namespaces, on a shared volume and in the same millisecond after a
 * crash, are not seen by that queue.) All paths go through /proc/self/fd, because a unix socket's path may not exceed 107
 * bytes and a state directory's may.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, realpathSync } from 'node:fs';
import { chmod, link, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Another live process owns the state directory. */
export class StateDirectoryOwnedError extends Error {
  override readonly name = 'StateDirectoryOwnedError';
  readonly ownerPid: number | null;
  readonly directory: string;
  constructor(directory: string, ownerPid: number | null) {
    const owner = ownerPid === null ? 'a process that holds it but did not answer' : `process ${ownerPid}`;
    super(
      `the state directory ${directory} is in use by ${owner}: stop that process, or give this one a stateDirectory of its own`,
    );
    this.directory = directory;
    this.ownerPid = ownerPid;
  }
}

export interface Ownership {
  readonly directory: string;
  /** Gives the directory up. Idempotent. */
  release(): Promise<void>;
}

const answerTimeoutMs = 2_000;
const takeoverTimeoutMs = 10_000;

/** Takes the directory or throws `StateDirectoryOwnedError`. It must exist and be writable. */
export async function ownStateDirectory(directory: string): Promise<Ownership> {
  const fd = openSync(directory, 'r');
  const at = (name: string) => `/proc/self/fd/${fd}/${name}`;
  const draft = at(`owner.${process.pid}.${randomBytes(4).toString('hex')}`);
  const socket = at('owner.sock');
  let server: Server | undefined;
  try {
    server = await listen(draft);
    // Whoever gets this far may ask who owns the directory, whatever our umask.
    await chmod(draft, 0o666);
    const { ino } = await lstat(draft);
    for (;;) {
      try {
        await link(draft, socket);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      await oneAtATime(directory, () => removeStale(directory, socket));
    }
    await unlink(draft);
    let released: Promise<void> | undefined;
    const held = server;
    return {
      directory,
      release: () => {
        released ??= (async () => {
          const now = await lstat(socket).catch(() => null);
          if (now?.ino === ino) await unlink(socket).catch(() => {});
          await close(held);
          closeSync(fd);
        })();
        return released;
      },
    };
  } catch (error) {
    if (server) await close(server);
    closeSync(fd);
    throw error;
  }
}

/**
 * As `ownStateDirectory`, for an owner that is ending: a process whose primary died ends its steps in order, while the next primary
 * has started already.
 */
export async function ownStateDirectorySoon(directory: string, waitMs: number): Promise<Ownership> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      return await ownStateDirectory(directory);
    } catch (error) {
      if (!(error instanceof StateDirectoryOwnedError) || performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

async function removeStale(directory: string, socket: string): Promise<void> {
  const answer = await ask(socket);
  // somebody else has removed it, and its place may be taken again by now: what is there is not to be touched
  if (answer === 'gone') return;
  if (answer !== 'nobody') throw new StateDirectoryOwnedError(directory, answer);
  await unlink(socket).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function oneAtATime(directory: string, work: () => Promise<void>): Promise<void> {
  const { dev, ino } = await lstat(realpathSync(directory));
  const deadline = performance.now() + takeoverTimeoutMs;
  for (;;) {
    const turn = await listen(`\0linekeeper owner ${dev}:${ino}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      return null;
    });
    if (turn) return work().finally(() => void close(turn));
    if (performance.now() > deadline) throw new StateDirectoryOwnedError(directory, null);
    await delay(5);
  }
}

/** The pid of who listens; null when someone listens and does not say; `nobody` when the connection is refused; `gone`. */
function ask(path: string): Promise<number | null | 'nobody' | 'gone'> {
  return new Promise((resolve) => {
    let text = '';
    const client = connect(path);
    const timer = setTimeout(() => finish(null), answerTimeoutMs);
    function finish(answer: number | null | 'nobody' | 'gone') {
      clearTimeout(timer);
      client.destroy();
      resolve(answer);
    }
    client.setEncoding('utf8');
    client.on('data', (chunk: string) => {
      text += chunk;
    });
    client.on('end', () => finish(/^\d+$/.test(text) ? Number(text) : null));
    client.on('error', (error: NodeJS.ErrnoException) => {
      finish(error.code === 'ENOENT' ? 'gone' : error.code === 'ECONNREFUSED' ? 'nobody' : null);
    });
  });
}

function listen(path: string): Promise<Server> {
  const server = createServer((client) => {
    client.on('error', () => {});
    client.end(String(process.pid));
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
