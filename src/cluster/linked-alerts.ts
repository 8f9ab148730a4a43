/**
 * The alerts of a node under a primary: the primary keeps, tells and resolves them for all its nodes, so that what every
 * node sees (a database that is down) is one alert, and what a dying node said last is not lost with it. Reading the stored
 * ones needs no primary.
 */
import { listRows } from '../alerts/alert-rows.ts';
import { cleanAlert } from '../alerts/clean-alert.ts';
import type { AlertService } from '../alerts/open-alerts.ts';
import type { Database } from '../database/session.ts';
import type { ChannelTest } from './messages.ts';
import type { PrimaryLink } from './primary-link.ts';

const answerMs = 20_000;

export function linkedAlerts(link: PrimaryLink, database: Database): AlertService {
  const flush = async (deadlineMs: number) => {
    await link.ask({ kind: 'flush-alerts', deadlineMs }, deadlineMs).catch(() => {});
  };
  return {
    raise: (alert) => link.send({ type: 'raise', alert: cleanAlert(alert) }),
    resolve: (rule, subject) => link.send({ type: 'resolve', rule, subject }),
    flush,
    list: ({ state, limit = 100 }) => listRows(database, state ?? null, limit),
    test: (by) => link.ask<readonly ChannelTest[]>({ kind: 'test-alert', by }, answerMs),
    warnings: () => link.order.alertWarnings,
    sweep: async () => {},
    close: flush,
  };
}
