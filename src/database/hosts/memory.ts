/**
 * Which database the process before this one worked with: `database.json` in the state directory. Without it a process that
 * starts while only an old primary answers would take that for the database. A file that cannot be read or written is said
 * and costs only this.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Identity } from './choose.ts';

/** With the host that it was at. */
export interface Remembered extends Identity {
  readonly host: string;
}

export interface HostMemory {
  recall(): Remembered | null;
  keep(remembered: Remembered): void;
}

export interface MemoryLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

export const noMemory: HostMemory = { recall: () => null, keep: () => {} };

export function fileMemory(path: string, log: MemoryLog): HostMemory {
  return {
    recall() {
      try {
        const { system, timeline, host } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Remembered>;
        if (typeof system === 'string' && Number.isSafeInteger(timeline)) {
          return { system, timeline: timeline!, host: String(host) };
        }
        throw new Error('it names no system and timeline');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        log.warn({ error, path }, `${path} cannot be read; the first database that answers is taken`);
        return null;
      }
    },
    keep({ system, timeline, host }) {
      try {
        writeFileSync(`${path}.new`, `${JSON.stringify({ system, timeline, host })}\n`);
        renameSync(`${path}.new`, path);
      } catch (error) {
        log.warn({ error, path }, `${path} cannot be written; a restart would not know an old primary by it`);
      }
    },
  };
}
