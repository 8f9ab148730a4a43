/** What the owner and its keeper tell each other, and how a later owner finds out whether an old keeper still works. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Given to the keeper on its command line, as JSON. */
export interface KeeperOrder {
  readonly home: string;
  readonly data: string;
  readonly log: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Pid of a running server to watch instead of starting one. */
  readonly adopt: number | null;
  /** How long a start is tried again while remains of a killed server hold the data directory. */
  readonly lockedForMs: number;
  /** After this a fast stop becomes an immediate one. */
  readonly fastStopMs: number;
}

export type KeeperReport =
  | { readonly type: 'ready'; readonly pid: number }
  | { readonly type: 'ended'; readonly wanted: boolean; readonly reason: string };

export function keeperRecord(home: string): string {
  return join(home, 'keeper.json');
}

/** Pid of the keeper that works on this cluster, or null. */
export function findKeeper(home: string): number | null {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(keeperRecord(home), 'utf8')) as {
      pid: number;
      startTime: string;
    };
    return startTimeOf(pid) === startTime ? pid : null;
  } catch {
    return null;
  }
}

/** A process's start in kernel ticks since boot; with the pid it names a process beyond pid reuse. Null: it is gone. */
export function startTimeOf(pid: number): string | null {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name, in parentheses, may hold blanks; after it the state is field 3 and the start field 22.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
