/**
 * `boots.json` in the state directory: the last boots of this installation, how each began and how it ended, and whether
 * the crash-loop alert is open. Whoever writes it owns the state directory, so there is one writer at a time; the watchdog
 * thread writes only while the main thread is blocked.
 *
 * Every save replaces the file whole (temporary file, fsync, rename). A file that cannot be read is treated as empty, one
 * that cannot be written is told to `onProblem` and costs only the memory of it: the record never keeps a node from working.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface Boot {
  readonly release: string;
  readonly pid: number;
  /** Wall clock, for people; nothing is decided by it. */
  readonly startedAt: string;
  /** When it had worked for `crashLoop.healthyAfterMs`; null: it never did. */
  readonly healthyAt: string | null;
  /** Null while it runs, and when nobody saw the end. */
  readonly endedAt: string | null;
  /** An exit code, or how it ended without one; null while it runs. */
  readonly end: number | 'blocked loop' | 'killed' | null;
  readonly why: string | null;
}

export interface BootFile {
  readonly boots: readonly Boot[];
  /** A crash loop was alerted and has not been resolved since. */
  readonly crashLoopAlerted: boolean;
}

const kept = 50;

export function bootFilePath(stateDirectory: string): string {
  return join(stateDirectory, 'boots.json');
}

export function readBoots(path: string, onProblem: (message: string) => void): BootFile {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<BootFile>;
    if (!Array.isArray(found.boots)) throw new Error('it holds no list of boots');
    return { boots: found.boots as Boot[], crashLoopAlerted: found.crashLoopAlerted === true };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') onProblem(`${path} cannot be read and begins anew: ${message}`);
    return { boots: [], crashLoopAlerted: false };
  }
}

/** Throws what the file system throws. */
export function writeBoots(path: string, file: BootFile): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ ...file, boots: file.boots.slice(-kept) }, null, 1)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/** The boots with a new one at the end. A boot before it that has no end was killed: its process owns nothing any more. */
export function beginBoot(boots: readonly Boot[], boot: Pick<Boot, 'release' | 'pid' | 'startedAt'>): Boot[] {
  const ended = boots.map(
    (one): Boot => (one.end === null ? { ...one, end: 'killed', why: 'nobody saw its end' } : one),
  );
  return [...ended, { ...boot, healthyAt: null, endedAt: null, end: null, why: null }];
}

/** The boots with the last one changed. */
export function withLast(boots: readonly Boot[], change: Partial<Boot>): Boot[] {
  const last = boots.at(-1);
  return last ? [...boots.slice(0, -1), { ...last, ...change }] : [];
}
