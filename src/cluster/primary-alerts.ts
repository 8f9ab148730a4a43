/**
 * The alert service of the primary, which keeps and tells alerts for all its nodes. It has a small pool of its own for the
 * rows; until the database is known, while it is away, and before a node has prepared its schema, alerts are kept in the
 * state directory like everybody's.
 */
import { systemClock } from '../alerts/clock.ts';
import { type AlertService, openAlerts } from '../alerts/open-alerts.ts';
import { webhookChannel } from '../alerts/webhook.ts';
import type { Config } from '../config/schema.ts';
import { resolveSecret } from '../config/secret.ts';
import { watchAvailability } from '../database/availability.ts';
import { lateDatabase } from '../database/late-database.ts';
import { openDatabase } from '../database/pool.ts';
import type { Log } from '../log/log.ts';
import { databaseHosts } from '../node/database-hosts.ts';

export interface PrimaryAlerts {
  readonly service: AlertService;
  useDatabase(url: string): void;
  /** A node has prepared the schema. */
  markPrepared(): void;
  /** Resolves when the database is up and prepared for the first time. */
  whenPrepared(): Promise<void>;
  close(deadlineMs: number): Promise<void>;
}

/** Throws what a webhook's secret reference throws. */
export function openPrimaryAlerts(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): PrimaryAlerts {
  const prepared = Promise.withResolvers<void>();
  let isPrepared = false;
  const database = lateDatabase();
  const hosts = databaseHosts({ config, log, alerts: () => service });
  hosts.onMoved(({ to }) => database.abandon(new Error(`the database moved to ${to.name}`)));
  const availability = watchAvailability({
    probe: hosts.probe,
    now: () => performance.now(),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  });
  const { url: webhook } = config.alerts.webhook;
  const service = openAlerts({
    database,
    log,
    stateDirectory: config.stateDirectory,
    file: config.alerts.file,
    channels: webhook === undefined ? [] : [webhookChannel({ url: resolveSecret(webhook, { ...env }) })],
    clock: systemClock,
    availability: { isUp: () => isPrepared && availability.state().kind === 'up' },
  });
  return {
    service,
    useDatabase(found) {
      queueMicrotask(availability.look);
      if (!hosts.use(found)) return;
      database.use(
        openDatabase(hosts.place, {
          applicationName: 'linekeeper primary',
          max: 2,
          onError: (error) => void availability.report(error),
        }),
      );
    },
    markPrepared() {
      isPrepared = true;
      availability.look();
      prepared.resolve();
    },
    whenPrepared: () => prepared.promise,
    async close(deadlineMs) {
      await service.close(deadlineMs);
      availability.stop();
      await Promise.race([database.close(), systemClock.sleep(2_000, new AbortController().signal)]);
    },
  };
}
