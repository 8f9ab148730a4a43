/**
 * The place of the admin socket. A socket that a dead process left behind is removed only when connecting to it is
 * refused; one that is alive, or anything that is no socket, is left alone and named in the error.
 */
import { lstatSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** Somebody else serves here, or the path cannot be used. The message says who or why, and the way out. */
export class SocketPlaceError extends Error {
  override readonly name = 'SocketPlaceError';
}

/** sizeof(sun_path) - 1 on Linux; longer paths are cut silently by some callers. */
const longestPath = 107;

export async function freeSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > longestPath) {
    throw new SocketPlaceError(
      `the admin socket ${path} has ${Buffer.byteLength(path)} bytes and at most ${longestPath} are possible; choose a shorter state directory`,
    );
  }
  const found = lookAt(path);
  if (!found) return;
  if (!found.isSocket()) {
    throw new SocketPlaceError(`${path} is not a socket; move it away or choose another state directory`);
  }
  const refusal = await connectionError(path);
  if (refusal === 'ECONNREFUSED') {
    unlinkSync(path);
  } else if (refusal === 'EACCES' || refusal === 'EPERM') {
    throw new SocketPlaceError(`no permission to use the admin socket ${path}; run as the user who owns it`);
  } else if (refusal === null) {
    const pid = await pidBehind(path);
    throw new SocketPlaceError(
      `another linekeeper${pid === null ? '' : ` (pid ${pid})`} serves ${path}; stop it first or choose another state directory`,
    );
  } else if (refusal !== 'ENOENT') {
    throw new SocketPlaceError(`the admin socket ${path} cannot be probed: ${refusal}`);
  }
}

/** What lies there, if anything. Listening would call every trouble EACCES, so the directory is looked at first. */
function lookAt(path: string): Stats | null {
  try {
    statSync(dirname(path));
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT')
      throw new SocketPlaceError(`the directory of the admin socket ${path} does not exist; create it`);
    throw new SocketPlaceError(
      `the admin socket ${path} cannot be reached (${code}); run as the owner of the state directory`,
      { cause: error },
    );
  }
}

/** Null when something accepts connections. */
function connectionError(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error) => resolve((error as { code?: string }).code ?? error.message));
  });
}

/** Null when it is not ours, or does not answer within 2 s. */
function pidBehind(path: string): Promise<number | null> {
  return new Promise((resolve) => {
    const asking = request({ socketPath: path, path: '/health', timeout: 2_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolve(null));
      response.on('end', () => resolve(pidOf(Buffer.concat(chunks).toString('utf8'))));
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(null));
    asking.end();
  });
}

function pidOf(text: string): number | null {
  try {
    const pid = (JSON.parse(text) as { pid?: unknown }).pid;
    return typeof pid === 'number' ? pid : null;
  } catch {
    return null;
  }
}
