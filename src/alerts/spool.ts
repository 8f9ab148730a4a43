/**
 * `alerts.jsonl` in the state directory: what was raised and resolved while the database was away, one episode per line.
 * It outlives the process, so a restarted one knows what is open and what was told already. Every save replaces the file
 * whole (temporary file, fsync, rename), so no reader sees half of it. At most 1,000 ended episodes are kept, the oldest
 * goes first; open ones are never dropped.
 *
 * When the directory cannot be written, `save` throws and everything stays in memory.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AlertInput } from './alerts.ts';
import { Episode, endEpisode, isDue, repeatEpisode, startEpisode } from './episode.ts';

const mostEnded = 1_000;

export interface Spool {
  raise(alert: AlertInput, count: number, nowMs: number, notifiedAtMs: number | null): void;
  /** The episode it ended; its `notifiedAt` tells whether anybody heard of it. */
  resolve(rule: string, subject: string, nowMs: number): Episode;
  due(nowMs: number, reminderMs: number): readonly Episode[];
  /** False when the spool does not have it any more: it was stored meanwhile. */
  told(id: string, nowMs: number): boolean;
  /** In the order in which they began. */
  episodes(): readonly Episode[];
  /** Drops what the database has. What changed since (by identity) stays. */
  remove(stored: readonly Episode[]): void;
  save(): Promise<void>;
}

/** Reads the file. Lines that are no episode are handed to `onBadLine` and left out. */
export function openSpool(path: string, onBadLine: (line: number, message: string) => void): Spool {
  let episodes = read(path, onBadLine);
  let changed = false;
  let saving: Promise<void> = Promise.resolve();

  const openOf = (rule: string, subject: string) =>
    episodes.find((e) => e.resolvedAt === null && e.rule === rule && e.subject === subject) ?? null;

  function put(before: Episode | null, after: Episode): Episode {
    episodes = before ? episodes.map((e) => (e === before ? after : e)) : [...episodes, after];
    const ended = episodes.filter((e) => e.resolvedAt !== null);
    if (ended.length > mostEnded) episodes = episodes.filter((e) => e !== ended[0]);
    changed = true;
    return after;
  }

  return {
    raise(alert, count, nowMs, notifiedAtMs) {
      const before = openOf(alert.rule, alert.subject);
      put(
        before,
        before ? repeatEpisode(before, alert, count, nowMs) : startEpisode(alert, count, nowMs, notifiedAtMs),
      );
    },
    resolve(rule, subject, nowMs) {
      const before = openOf(rule, subject);
      return put(before, endEpisode(rule, subject, before, nowMs));
    },
    due: (nowMs, reminderMs) => episodes.filter((episode) => isDue(episode, nowMs, reminderMs)),
    told(id, nowMs) {
      const before = episodes.find((episode) => episode.id === id);
      if (before) put(before, { ...before, notifiedAt: new Date(nowMs).toISOString() });
      return before !== undefined;
    },
    episodes: () => episodes,
    remove(stored) {
      const gone = new Set(stored);
      episodes = episodes.filter((episode) => !gone.has(episode));
      changed = true;
    },
    save() {
      // one writer at a time: they share the temporary file
      saving = saving
        .catch(() => {})
        .then(async () => {
          if (!changed) return;
          changed = false;
          try {
            await replace(path, episodes);
          } catch (error) {
            changed = true;
            throw error;
          }
        });
      return saving;
    },
  };
}

async function replace(path: string, episodes: readonly Episode[]): Promise<void> {
  if (episodes.length === 0) {
    await rm(path, { force: true });
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(episodes.map((episode) => `${JSON.stringify(episode)}\n`).join(''));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

function read(path: string, onBadLine: (line: number, message: string) => void): Episode[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    onBadLine(0, (error as Error).message);
    return [];
  }
  const episodes: Episode[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    try {
      episodes.push(Episode.parse(JSON.parse(line)));
    } catch (error) {
      onBadLine(index + 1, (error as Error).message);
    }
  }
  return episodes;
}
