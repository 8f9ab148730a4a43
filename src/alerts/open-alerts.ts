/**
 * The alert service: stores, deduplicates, tells and resolves alerts, also while the database is away.
 *
 * - `raise` and `resolve` only queue (bursts of the same alert are counted, not queued) and log one line; a worker does
 *   the rest, one change at a time and in order. Nothing here throws into the caller or waits for a receiver.
 * - Database up: one open row per (rule, subject). Database away (`isUp()` false, a connection error, or no answer within
 *   5 s): the same in `alerts.jsonl`, so that a restarted process neither raises nor tells it again; written to the
 *   database, once, when it is back.
 * - An open alert is told once and, unless it is an info or asks for no reminders (`once`), again every `reminderMs`. With several nodes one of them tells.
 *   What no channel took is offered again after a minute. A resolve is told when the alert was.
 * - What neither the database nor the file takes is still logged and told, and kept in memory.
 */
import { join } from 'node:path';
import { type Database, isConnectionError, PoolBusyError } from '../database/session.ts';
import type { Log } from '../log/log.ts';
import {
  type AlertRow,
  claimDue,
  claimTakenBack,
  listRows,
  markTakenBack,
  markTold,
  markToldEpisode,
  raiseRow,
  resolveRow,
} from './alert-rows.ts';
import type { AlertInput, Alerts } from './alerts.ts';
import { type Change, openChangeQueue } from './change-queue.ts';
import type { Channel, Notice } from './channel.ts';
import { cleanAlert } from './clean-alert.ts';
import type { AlertClock } from './clock.ts';
import { openDelivery } from './delivery.ts';
import type { Episode } from './episode.ts';
import { openSpool } from './spool.ts';
import { importEpisodes } from './spool-import.ts';
import { openTeller } from './teller.ts';

export interface AlertOptions {
  readonly database: Database;
  readonly log: Log;
  /** `alerts.jsonl` is kept here, or wherever `file` says. */
  readonly stateDirectory: string;
  readonly file?: string;
  readonly channels: readonly Channel[];
  readonly clock: AlertClock;
  /** Known to be down: not even tried. */
  readonly availability: { isUp(): boolean };
  /** Default 900,000 ms (15 min). */
  readonly reminderMs?: number;
  /** How often reminders, lapsed claims and the file are looked at. Default 5,000 ms; null: only by `sweep()`. */
  readonly sweepMs?: number | null;
  /** A statement that takes longer means that the database is away. Default 5,000 ms. */
  readonly statementMs?: number;
  readonly retryDelaysMs?: readonly number[];
  readonly random?: () => number;
}

export interface AlertService extends Alerts {
  /** Stored alerts; rejects while the database is away. */
  list(filter: { state?: 'open' | 'resolved'; limit?: number }): Promise<AlertRow[]>;
  /** Tells every channel, once and now, that this is a test. */
  test(by: string): Promise<readonly { channel: string; ok: boolean; error: string | null }[]>;
  /** What is wrong with alerting itself, in sentences: for health, the start and the page. */
  warnings(): readonly string[];
  /** One look at everything that is due. */
  sweep(): Promise<void>;
  close(deadlineMs: number): Promise<void>;
}

export function openAlerts(options: AlertOptions): AlertService {
  const { database, log, channels, clock, availability } = options;
  const { reminderMs = 900_000, sweepMs = 5_000, statementMs = 5_000 } = options;
  const path = options.file ?? join(options.stateDirectory, 'alerts.jsonl');
  const spool = openSpool(path, (line, message) =>
    log.error({ path, line }, `${path} line ${line} is no alert and was left out: ${message}`),
  );
  const delivery = openDelivery({
    channels,
    log,
    clock,
    random: options.random ?? Math.random,
    ...(options.retryDelaysMs ? { retryDelaysMs: options.retryDelaysMs } : {}),
  });
  const queue = openChangeQueue((dropped) => log.error({ dropped }, 'too many alerts at once; some were only logged'));
  const teller = openTeller(delivery, clock);
  const ending = new AbortController();
  const marks = new Set<Promise<void>>();
  let round: Promise<void> | null = null;
  let again = false;
  let saveFailed = false;

  /** One round at a time; asked for during one, another follows. */
  function work(): Promise<void> {
    again = true;
    round ??= (async () => {
      while (again) {
        again = false;
        await oneRound().catch((error: unknown) => log.error({ error }, 'a round of alerting failed'));
      }
      round = null;
    })();
    return round;
  }

  async function oneRound(): Promise<void> {
    let up = availability.isUp() && (await stores(writeSpool));
    for (let change = queue.take(); change; change = queue.take()) {
      const taken = change;
      if (!up || !(await stores(() => storeRow(taken)))) {
        up = false;
        keep(taken);
      }
    }
    if (up && channels.length > 0) up = await stores(tellRows);
    if (!up && channels.length > 0) tellSpool();
    await saveSpool();
  }

  /** False when the database is away. Any other error concerns one statement: logged, and the alert is only told. */
  async function stores(work: () => Promise<void>): Promise<boolean> {
    const late = new AbortController();
    const running = work();
    running.catch(() => {});
    try {
      const tooLate = clock.sleep(statementMs, late.signal).then(() => false);
      return await Promise.race([running.then(() => true), tooLate]);
    } catch (error) {
      if (isAway(error)) return false;
      log.error({ error }, 'an alert could not be stored');
      return true;
    } finally {
      late.abort();
    }
  }

  async function storeRow(change: Change): Promise<void> {
    if (change.kind === 'raise') {
      try {
        await raiseRow(database, change.alert, change.count);
      } catch (error) {
        if (!isAway(error)) {
          const at = new Date(clock.nowMs()).toISOString();
          teller.tell(
            { status: 'open', ...change.alert, occurrences: change.count, firstAt: at, lastAt: at },
            () => {},
          );
        }
        throw error;
      }
      return;
    }
    const row = await resolveRow(database, change.rule, change.subject);
    if (row) teller.takeBack(noticeOf(row), row.notifiedAt !== null);
  }

  async function writeSpool(): Promise<void> {
    const kept = spool.episodes();
    if (kept.length === 0) return;
    await importEpisodes(database, kept);
    spool.remove(kept);
    await saveSpool();
    log.info({ alerts: kept.length }, 'alerts kept while the database was away are stored');
  }

  /** The change goes to the file: the database is away. */
  function keep(change: Change): void {
    const nowMs = clock.nowMs();
    if (change.kind === 'raise') {
      const { alert } = change;
      // whether it is something else than what was told is in the row: better twice than not at all
      spool.raise(alert, change.count, nowMs, alert.once ? null : teller.lastToldAtMs(alert));
      return;
    }
    const episode = spool.resolve(change.rule, change.subject, nowMs);
    teller.takeBack(noticeOf(episode), episode.notifiedAt !== null);
  }

  async function tellRows(): Promise<void> {
    for (const row of await claimDue(database, reminderMs)) {
      const status = row.notifiedAt === null ? 'open' : 'reminder';
      teller.tell({ ...noticeOf(row), status }, () => {
        mark(markTold(database, row.id));
      });
    }
    for (const row of await claimTakenBack(database)) {
      teller.tell({ ...noticeOf(row), status: 'resolved' }, () => {
        mark(markTakenBack(database, row.id));
      });
    }
  }

  function tellSpool(): void {
    for (const episode of spool.due(clock.nowMs(), reminderMs)) {
      const status = episode.notifiedAt === null ? 'open' : 'reminder';
      teller.tell({ ...noticeOf(episode), status }, () => {
        mark(spool.told(episode.id, clock.nowMs()) ? saveSpool() : markToldEpisode(database, episode.id));
      });
    }
  }

  function mark(marking: Promise<void>): void {
    const marked = marking
      .catch((error: unknown) => log.warn({ error }, 'an alert was told and could not be marked so; it is told again'))
      .finally(() => marks.delete(marked));
    marks.add(marked);
  }

  async function saveSpool(): Promise<void> {
    try {
      await spool.save();
      saveFailed = false;
    } catch (error) {
      if (!saveFailed) log.error({ error, path }, `${path} cannot be written; alerts are kept in memory`);
      saveFailed = true;
    }
  }

  async function sweeping(everyMs: number): Promise<void> {
    while (!ending.signal.aborted) {
      await clock.sleep(everyMs, ending.signal);
      if (!ending.signal.aborted) await work();
    }
  }
  if (sweepMs !== null) void sweeping(sweepMs);

  async function flush(deadlineMs: number): Promise<void> {
    const done = new AbortController();
    const all = work()
      .then(() => delivery.idle())
      .then(() => Promise.all(marks))
      .finally(() => done.abort());
    await Promise.race([all, clock.sleep(deadlineMs, done.signal)]);
  }

  return {
    raise(alert: AlertInput) {
      if (ending.signal.aborted) return;
      const clean = cleanAlert(alert);
      if (queue.raise(clean)) logAlert(log, clean);
      void work();
    },
    resolve(rule, subject) {
      if (ending.signal.aborted) return;
      queue.resolve(rule, subject);
      void work();
    },
    flush,
    sweep: work,
    list: ({ state, limit = 100 }) => listRows(database, state ?? null, limit),
    async test(by) {
      const at = new Date(clock.nowMs()).toISOString();
      const alert = cleanAlert({
        rule: 'alert.test',
        subject: by,
        level: 'info',
        message: `a test, asked for by ${by}`,
      });
      const notice: Notice = { status: 'test', ...alert, occurrences: 1, firstAt: at, lastAt: at };
      return Promise.all(
        channels.map(async (channel) => {
          try {
            await channel.send(notice, ending.signal);
            return { channel: channel.name, ok: true, error: null };
          } catch (error) {
            return { channel: channel.name, ok: false, error: error instanceof Error ? error.message : String(error) };
          }
        }),
      );
    },
    warnings() {
      return [
        ...(channels.length === 0 ? ['no alert channel is configured: nobody would be told'] : []),
        ...(saveFailed ? [`${path} cannot be written: alerts would not survive a restart`] : []),
      ];
    },
    async close(deadlineMs) {
      await flush(deadlineMs);
      ending.abort();
      delivery.close();
    },
  };
}

/** A pool without a free session is as good as no database: the alert must not wait for it, nor be lost. */
function isAway(error: unknown): boolean {
  return isConnectionError(error) || error instanceof PoolBusyError;
}

function logAlert(log: Log, { level, rule, subject, message, detail }: Required<AlertInput>): void {
  const write = { info: log.info, warning: log.warn, critical: log.error }[level];
  write.call(log, { alert: rule, subject, detail }, message);
}

/** Rows have dates, episodes their text. */
function noticeOf(alert: AlertRow | Episode): Omit<Notice, 'status'> {
  const { rule, subject, level, message, detail, occurrences } = alert;
  const [firstAt, lastAt] = [alert.firstAt, alert.lastAt].map((at) => new Date(at).toISOString());
  return { rule, subject, level, message, detail, occurrences, firstAt: firstAt!, lastAt: lastAt! };
}
