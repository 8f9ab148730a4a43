/**
 * What `postmaster.pid` says about the server on a data directory, and whether it is true: a pid counts only while that
 * process runs in this very data directory, so a recycled pid is never taken for PostgreSQL.
 */
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Postmaster {
  readonly pid: number;
  readonly socketDirectory: string;
  readonly status: 'starting' | 'stopping' | 'ready' | 'standby' | 'unknown';
}

/** The live server on this data directory, or null. */
export function findPostmaster(data: string): Postmaster | null {
  let lines: string[];
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isPostmaster(pid, data)) return null;
  const status = (lines[7] ?? '').trim();
  return {
    pid,
    socketDirectory: lines[4] ?? '',
    status:
      status === 'starting' || status === 'stopping' || status === 'ready' || status === 'standby' ? status : 'unknown',
  };
}

/** True while the process lives and works in the data directory, as a postmaster does. A zombie does not count. */
export function isPostmaster(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    return false;
  }
}

/** Resolves to true when it ended, false when it still lives after `timeoutMs`. */
export async function waitForEnd(pid: number, data: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isPostmaster(pid, data)) {
    if (performance.now() > deadline) return false;
    await delay(20);
  }
  return true;
}

/**
 * Ends a server: fast, after `fastMs` at once without a checkpoint (the next start recovers), at last by SIGKILL.
 * Committed work survives all three.
 */
export async function endPostmaster(pid: number, data: string, fastMs: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', fastMs],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 10_000],
  ] as const) {
    if (!isPostmaster(pid, data)) return;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if (await waitForEnd(pid, data, waitMs)) return;
  }
}
