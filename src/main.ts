/**
 * One node: takes its state directory, opens what it works with, starts the tree and waits for its end.
 *
 * Resolves to the exit code: 0 after an ordered stop (SIGTERM, SIGINT), 75 when it wants to be started anew, 70 when supervision gave up or something was thrown
 * that nobody caught, 78 for what only a person can mend (the state directory or the admin socket is another process's, the
 * database or the archive cannot be worked with).
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { EngineHolder } from '../actors/engine.ts';
import { nodeParts } from '../actors/node.ts';
import { nodeTree } from '../actors/tree.ts';
import { capture, restore } from '../otel/context.ts';
import { parseTraceparent } from '../otel/traceparent.ts';
import { type Root, StartError, type SupervisionEvent, startTree } from '../supervisors/tree.ts';
import { SocketPlaceError } from './admin/socket.ts';
import type { Alerts } from './alerts/alerts.ts';
import { ArchiveError } from './archive/archive-error.ts';
import type { Config } from './config/schema.ts';
import { resolveSecret, SecretError } from './config/secret.ts';
import { prepareStateDirectory, StateDirectoryError } from './config/state-directory.ts';
import { type Ownership, ownStateDirectory, StateDirectoryOwnedError } from './database/embedded/ownership.ts';
import { createLog, type Log } from './log/log.ts';
import { maskText } from './log/mask.ts';
import { rejectionHandler } from './node/rejections.ts';
import { openReleaseGuard } from './node/release-guard.ts';
import { openResources, type Resources } from './node/resources.ts';
import { type BootWatch, watchBoot } from './process/boot-watch.ts';
import { type LoopWatchdog, watchLoop } from './process/loop-watchdog.ts';
import { noManager, openServiceManager, type ServiceManager, takeManagerPlace } from './release/notify.ts';
import { findPlace } from './release/place.ts';

/** What the process gives; the command line's own context fits. */
export interface ServiceIo {
  /** What names the service manager is taken out of it: children and threads must not speak for this process. */
  readonly env: Record<string, string | undefined>;
  /** One plain line when the service ends because something is wrong. */
  readonly stderr: { write(text: string): unknown };
  readonly cwd: string;
  /** The value of `--config`, absolute: a new release is checked with it. */
  readonly configFile: string | undefined;
}

interface End {
  readonly code: 0 | 70 | 75 | 78;
  readonly why: string;
  readonly error?: Error;
  readonly alerted?: boolean;
}

/** Longest ordered stop. */
const stopDeadlineMs = 20_000;
/** How long a start that is no longer wanted is waited for. */
const startGraceMs = 10_000;

export async function runService(config: Config, { env, stderr, cwd, configFile }: ServiceIo): Promise<number> {
  const log = createLog({ level: config.log.level, mixin: traceFields });
  const end = Promise.withResolvers<End>();
  let holder: EngineHolder | null = null;
  const rejected = rejectionHandler({
    chainId: () => capture()?.chainId,
    crashRun: (chainId, error) => holder?.current?.crashRun(chainId, error) ?? false,
    onFatal: (error) => end.resolve(thrown(error)),
    log,
    nowMs: () => performance.now(),
  });
  const unwatch = watchProcess(end.resolve, rejected);
  let manager: ServiceManager = noManager;
  let ownership: Ownership | null = null;
  let boot: BootWatch | null = null;
  let watchdog: LoopWatchdog | null = null;
  let resources: Resources | null = null;
  let root: Root | null = null;
  try {
    manager = await openServiceManager(takeManagerPlace(env, process.pid));
    const place = await findPlace(process.argv[1], config.release.current);
    prepareStateDirectory(config.stateDirectory);
    ownership = await ownStateDirectory(config.stateDirectory);
    boot = watchBoot(config, log);
    watchdog = watchLoop({
      stateDirectory: config.stateDirectory,
      ...config.watchdog,
      onProblem: (error) => log.error({ error }, 'the watchdog thread failed; a blocked loop is not noticed any more'),
    });
    resources = await openResources(config, env, log);
    if (config.database.url !== undefined) resources.useDatabase(resolveSecret(config.database.url, { ...env }));
    for (const warning of resources.alerts.warnings()) log.warn(warning);
    const tooEarly = new AbortController();
    void end.promise.then(() => tooEarly.abort());
    await boot.beforeWork(resources.alerts, tooEarly.signal);
    if (tooEarly.signal.aborted) return await finish(await end.promise);
    const started = Promise.withResolvers<Root>();
    const parts = nodeParts(
      resources,
      ownership,
      started.promise,
      {
        onUnsuitable: (error) => end.resolve({ code: 78, why: error.message, error }),
        onRecycle: (why) => end.resolve({ code: 75, why }),
        // its alert is open already
        onGiveUp: (error) => end.resolve({ code: 70, why: error.message, error, alerted: true }),
      },
      manager,
      (events) => openReleaseGuard({ events, resources: resources!, place, cwd, configFile }),
    );
    holder = parts.holder;
    const report = reporter(log, resources.alerts);
    const starting = startTree(nodeTree(parts), { report, trace: { capture, restore } });
    const early = await Promise.race([starting.then(() => null), end.promise]);
    // told to end while starting: what stands by then is stopped in order, the rest goes with the process
    root = early ? await within(starting, startGraceMs) : await starting;
    if (early) return await finish(early);
    started.resolve(root!);
    void root!.ended.then((reason) => {
      if (reason.kind === 'gave-up') end.resolve({ code: 70, why: reason.error.message, error: reason.error });
    });
    boot.ready(resources.alerts, resources.working.whenUp());
    log.info({ socket: config.admin.socket, release: parts.context.release }, 'the node is ready');
    return await finish(await end.promise);
  } catch (error) {
    return await finish({ code: isForAPerson(error) ? 78 : 70, why: (error as Error).message, error: error as Error });
  }

  async function finish({ code, why, error, alerted }: End): Promise<number> {
    manager.stopping(code === 0 ? `stopping: ${why}` : `ending with ${code}: ${why}`);
    if (error) log.error({ error, code }, `the node ends: ${why}`);
    else log.info({ code }, `the node stops: ${why}`);
    if (code === 70 || code === 78) {
      stderr.write(`linekeeper: the service ends with exit code ${code}: ${maskText(why).split('\n')[0]}\n`);
      if (!alerted)
        resources?.alerts.raise({ rule: 'node.ended', subject: `exit ${code}`, level: 'critical', message: why });
    }
    await root?.stop(stopDeadlineMs);
    await resources?.close(3_000);
    await watchdog?.close();
    boot?.end(code, why);
    await ownership?.release();
    unwatch();
    return code;
  }
}

/** `trace_id` and `span_id` in every line that is written while a message or a step is handled. */
function traceFields(): Record<string, unknown> {
  const parent = parseTraceparent(capture()?.traceparent);
  return parent ? { trace_id: parent.traceId, span_id: parent.spanId } : {};
}

/** Null when it failed or did not end in time. */
async function within<T>(work: Promise<T>, deadlineMs: number): Promise<T | null> {
  const late = delay(deadlineMs, null, { ref: false });
  return Promise.race([work.catch(() => null), late]);
}

/**
 * What waits for a person: trying again changes nothing. An actor's failed start carries the reason as its cause. A full
 * disk and an archive that is not mounted (yet) are not among it: after 78 nothing starts the process when they are over.
 */
export function isForAPerson(error: unknown): boolean {
  if (error instanceof StartError) return isForAPerson(error.cause);
  if (error instanceof ArchiveError) return error.code !== 'disk-full' && error.code !== 'unavailable';
  if (error instanceof StateDirectoryError) return !isDiskFull(error.cause);
  return error instanceof SocketPlaceError || error instanceof StateDirectoryOwnedError || error instanceof SecretError;
}

function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function thrown(error: unknown): End {
  const cause = error instanceof Error ? error : new Error(String(error));
  return { code: 70, why: `an error that nobody caught: ${cause.message}`, error: cause };
}

/** The first signal asks for an ordered stop, a second one ends at once; what nobody caught ends with 70. */
function watchProcess(finish: (end: End) => void, rejected: (reason: unknown) => void): () => void {
  let asked = false;
  const stop = (signal: NodeJS.Signals) => {
    if (asked) process.exit(70);
    asked = true;
    finish({ code: 0, why: `${signal} was received` });
  };
  const uncaught = (error: unknown) => finish(thrown(error));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', rejected);
  return () => {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    process.off('uncaughtException', uncaught);
    process.off('unhandledRejection', rejected);
  };
}

/** Every event of the tree is a log line; what gave up is also an alert. */
function reporter(log: Log, alerts: Alerts): (event: SupervisionEvent) => void {
  return (event) => {
    const { type, path, ...rest } = event;
    switch (type) {
      case 'restarted':
        log.info({ path, ...rest }, 'restarted');
        alerts.resolve('supervision.gave-up', path);
        return;
      case 'gave-up':
        log.error({ path, ...rest }, 'gave up');
        alerts.raise({
          rule: 'supervision.gave-up',
          subject: path,
          level: 'critical',
          message: `${path} gave up: ${event.error.message}`,
        });
        return;
      default:
        log.warn({ path, ...rest }, type);
    }
  };
}
