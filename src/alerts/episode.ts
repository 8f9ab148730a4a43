/** One alert from its raise to its end as it is kept while the database is away: a row of `alert` that is still to be written. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AlertInput } from './alerts.ts';

export const Episode = z.strictObject({
  id: z.uuid(),
  rule: z.string(),
  subject: z.string(),
  level: z.enum(['info', 'warning', 'critical']),
  message: z.string(),
  detail: z.record(z.string(), z.unknown()),
  /** No reminders; files of a release before do not say. */
  once: z.boolean().default(false),
  /** 0: only the end of an alert that was raised before, in the database. */
  occurrences: z.int().min(0),
  firstAt: z.iso.datetime(),
  lastAt: z.iso.datetime(),
  resolvedAt: z.iso.datetime().nullable(),
  notifiedAt: z.iso.datetime().nullable(),
});
export type Episode = z.infer<typeof Episode>;

const severity = { info: 0, warning: 1, critical: 2 } as const;

export function startEpisode(alert: AlertInput, count: number, nowMs: number, notifiedAtMs: number | null): Episode {
  const at = new Date(nowMs).toISOString();
  return {
    id: randomUUID(),
    rule: alert.rule,
    subject: alert.subject,
    level: alert.level,
    message: alert.message,
    detail: { ...alert.detail },
    once: alert.once ?? false,
    occurrences: count,
    firstAt: at,
    lastAt: at,
    resolvedAt: null,
    notifiedAt: notifiedAtMs === null ? null : new Date(notifiedAtMs).toISOString(),
  };
}

/** The same rules as in the table: worse is told again at once, and so is something else; the level never falls. */
export function repeatEpisode(episode: Episode, alert: AlertInput, count: number, nowMs: number): Episode {
  const worse = severity[alert.level] > severity[episode.level];
  const once = alert.once ?? false;
  const isOther = once && JSON.stringify(alert.detail ?? {}) !== JSON.stringify(episode.detail);
  return {
    ...episode,
    level: worse ? alert.level : episode.level,
    notifiedAt: worse || isOther ? null : episode.notifiedAt,
    once,
    message: alert.message,
    detail: { ...alert.detail },
    occurrences: episode.occurrences + count,
    lastAt: new Date(nowMs).toISOString(),
  };
}

export function endEpisode(rule: string, subject: string, open: Episode | null, nowMs: number): Episode {
  const at = new Date(nowMs).toISOString();
  if (open) return { ...open, resolvedAt: at };
  const ended = startEpisode({ rule, subject, level: 'info', message: 'resolved' }, 0, nowMs, null);
  return { ...ended, resolvedAt: at };
}

export function isDue(episode: Episode, nowMs: number, reminderMs: number): boolean {
  if (episode.resolvedAt !== null) return false;
  if (episode.notifiedAt === null) return true;
  return !episode.once && episode.level !== 'info' && nowMs - Date.parse(episode.notifiedAt) >= reminderMs;
}
