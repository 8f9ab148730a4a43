/**
 * What one node works with, opened in an order in which nothing needs what comes later. The database may still be unknown
 * or away: everything here holds the late `Database`, and work begins when `whenPrepared` says so.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../alerts/clock.ts';
import { type AlertService, openAlerts } from '../alerts/open-alerts.ts';
import { webhookChannel } from '../alerts/webhook.ts';
import { type Archive, openArchive } from '../archive/archive.ts';
import type { OpenDatabase } from '../chains/environment.ts';
import { linkedAlerts } from '../cluster/linked-alerts.ts';
import type { PrimaryLink } from '../cluster/primary-link.ts';
import { type ComputeHolder, computeHolder } from '../compute/holder.ts';
import { redisUrl } from '../config/redis-url.ts';
import type { Config } from '../config/schema.ts';
import { resolveSecret } from '../config/secret.ts';
import { type Availability, watchAvailability } from '../database/availability.ts';
import { type LateDatabase, lateDatabase } from '../database/late-database.ts';
import { openDatabase } from '../database/pool.ts';
import type { Log } from '../log/log.ts';
import { allProviders } from '../providers/all-providers.ts';
import type { Provider } from '../providers/built-in.ts';
import { inProcessSignals } from '../signals/in-process.ts';
import { ipcSignals } from '../signals/ipc.ts';
import type { RedisSignals } from '../signals/redis.ts';
import type { Signals } from '../signals/signals.ts';
import { abandonWhenSilent, answering } from './answering-database.ts';
import { type DatabaseHosts, databaseHosts } from './database-hosts.ts';

/** The database as work sees it: reachable, and with this release's schema in place. */
export interface WorkingDatabase extends Pick<Availability, 'report' | 'whenUp'> {
  isUp(): boolean;
}

export interface Resources {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly alerts: AlertService;
  readonly archive: Archive;
  /** Where steps keep spool files; whatever a killed process left there is gone. */
  readonly spoolDirectory: string;
  readonly compute: ComputeHolder;
  /** Those of the product, and those that the configuration adds. */
  readonly providers: readonly Provider[];
  readonly database: LateDatabase;
  readonly availability: Availability;
  /** Hints between the nodes that can hear each other. */
  readonly signals: Signals;
  /** The same, when they go over Redis. */
  readonly redis: RedisSignals | null;
  /** What engine, scheduler and guardians wait for. */
  readonly working: WorkingDatabase;
  /** Tells where the database is. The same URL after every start of an embedded server. */
  useDatabase(url: string): void;
  /** Decides which host is the database; everything here follows it. After a move the schema counts as not prepared. */
  readonly hosts: DatabaseHosts;
  /** Of the host of the moment. Throws `DatabaseDownError` while none is known. */
  databaseUrl(): string;
  /** For the engine's own pools, which end with a move. Throws `DatabaseDownError` while the database is not known. */
  readonly openEngineDatabase: OpenDatabase;
  isPrepared(): boolean;
  markPrepared(): void;
  close(deadlineMs: number): Promise<void>;
}

/** The state directory must be this process's own. Throws `ArchiveError`, `ProviderFileError`, and what a webhook's secret reference throws. */
export async function openResources(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  link: PrimaryLink | null = null,
): Promise<Resources> {
  const providers = allProviders(config.providers.directory);
  let prepared = Promise.withResolvers<void>();
  let isPrepared = false;
  const database = lateDatabase();
  const hosts = databaseHosts({ config, log, alerts: () => alerts });
  const availability = watchAvailability({
    probe: hosts.probe,
    now: () => performance.now(),
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    // a probe that hangs takes 5 s: work is to go on within 10 s of the database's return
    maxDelayMs: 3_000,
  });
  const pools = abandonWhenSilent(availability);
  hosts.onMoved(({ to }) => {
    if (isPrepared) prepared = Promise.withResolvers<void>();
    isPrepared = false;
    pools.abandon(new Error(`the database moved to ${to.name}`));
  });
  const working: WorkingDatabase = {
    report: availability.report,
    isUp: () => isPrepared && availability.state().kind === 'up',
    async whenUp(signal) {
      await unlessAborted(prepared.promise, signal);
      await availability.whenUp(signal);
    },
  };
  const { url: webhook } = config.alerts.webhook;
  const alerts = link
    ? linkedAlerts(link, database)
    : openAlerts({
        database,
        log,
        stateDirectory: config.stateDirectory,
        file: config.alerts.file,
        channels: webhook === undefined ? [] : [webhookChannel({ url: resolveSecret(webhook, { ...env }) })],
        clock: systemClock,
        availability: working,
      });
  const onError = (error: unknown) => log.error({ error }, 'a signal listener failed');
  // a process for suspects would take hints that it cannot follow
  const redis = link?.order.only === 'suspects' ? null : await redisOf(config, env, onError);
  const spoolDirectory = join(config.stateDirectory, 'spool');
  rmSync(spoolDirectory, { recursive: true, force: true });
  mkdirSync(spoolDirectory, { mode: 0o700 });
  mkdirSync(config.archive.directory, { recursive: true, mode: 0o700 });
  const archive = await openArchive(config.archive.directory, {
    expectedId: null,
    randomId: randomUUID,
    nowMs: Date.now,
  });
  return {
    config,
    env,
    log,
    alerts,
    archive,
    spoolDirectory,
    compute: computeHolder(),
    providers,
    database,
    availability,
    signals: redis ?? signalsOf(link, onError),
    redis,
    working,
    hosts,
    databaseUrl: hosts.url,
    openEngineDatabase: (options) => pools.keep(openDatabase(hosts.termPlace(), options)),
    useDatabase(found) {
      queueMicrotask(availability.look);
      if (!hosts.use(found)) return;
      const pool = openDatabase(hosts.place, {
        applicationName: 'linekeeper',
        max: config.database.poolSize,
        onError: (error) => void availability.report(error),
      });
      database.use(answering(pools.keep(pool), availability));
    },
    isPrepared: () => isPrepared,
    markPrepared() {
      isPrepared = true;
      prepared.resolve();
    },
    async close(deadlineMs) {
      redis?.stop();
      await alerts.close(deadlineMs);
      availability.stop();
      await Promise.race([database.close(), systemClock.sleep(2_000, new AbortController().signal)]);
    },
  };
}

function signalsOf(link: PrimaryLink | null, onError: (error: unknown) => void): Signals {
  if (!link) return inProcessSignals(onError);
  const way = {
    send: (chainIds: readonly string[]) => link.send({ type: 'signal', chainIds }),
    onReceive: (listener: (chainIds: readonly string[]) => void) => void link.onSignal(listener),
  };
  return ipcSignals(way, onError);
}

/** Null without `redis.url`; then its client is not loaded either, which takes a tenth of a second. */
async function redisOf(
  config: Config,
  env: Resources['env'],
  onError: (error: unknown) => void,
): Promise<RedisSignals | null> {
  const url = redisUrl(config, env);
  if (url === null) return null;
  const { redisSignals } = await import('../signals/redis.ts');
  return redisSignals({
    url,
    prefix: config.redis.prefix,
    bootId: randomUUID(),
    onError,
    nowMs: () => performance.now(),
    wallMs: Date.now,
    random: Math.random,
  });
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
