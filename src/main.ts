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
import { type Root, StartError, startTree } from '../supervisors/tree.ts';
import { SocketPlaceError } from './admin/socket.ts';
import { ArchiveError } from './archive/archive-error.ts';
import type { PrimaryLink } from './cluster/primary-link.ts';
import type { Config } from './config/schema.ts';
import { resolveSecret, SecretError } from './config/secret.ts';
import { prepareStateDirectory, StateDirectoryError } from './config/state-directory.ts';
import {
  type Ownership,
  ownStateDirectory,
  ownStateDirectorySoon,
  StateDirectoryOwnedError,
} from './database/embedded/ownership.ts';
import { createLog } from './log/log.ts';
import { maskText } from './log/mask.ts';
import { supervisionLog } from './log/supervision-log.ts';
import { rejectionHandler } from './node/rejections.ts';
import { guardedAbove, openReleaseGuard } from './node/release-guard.ts';
import { openResources, type Resources } from './node/resources.ts';
import { type BootWatch, watchBoot } from './process/boot-watch.ts';
import { type LoopWatchdog, watchLoop } from './process/loop-watchdog.ts';
import { type ProcessEnd, thrownEnd, watchProcess } from './process/process-end.ts';
import type { ServiceIo } from './process/service-io.ts';
import { ProviderFileError } from './providers/spec/load.ts';
import { noManager, openServiceManager, type ServiceManager, takeManagerPlace } from './release/notify.ts';
import { findPlace } from './release/place.ts';

/** Longest ordered stop. */
const stopDeadlineMs = 20_000;
/** How long a start that is no longer wanted is waited for. */
const startGraceMs = 10_000;
/** How long running steps may take to end at a stop, and when nobody is there to wait for them. */
const usualDrainMs = 10_000;
const orphanDrainMs = 5_000;
/** How long such a one may still hold the directory that its successor is to have. */
const orphanEndMs = 15_000;

/** `link`: this node is one of several under a primary process, which speaks to systemd and keeps the alerts for it. */
export async function runService(
  config: Config,
  { env, stderr, cwd, configFile }: ServiceIo,
  link: PrimaryLink | null = null,
): Promise<number> {
  const base = link ? { process: link.order.only ?? link.order.index } : {};
  const log = createLog({ level: config.log.level, base, mixin: traceFields });
  const end = Promise.withResolvers<ProcessEnd>();
  let drainMs = usualDrainMs;
  let holder: EngineHolder | null = null;
  const rejected = rejectionHandler({
    chainId: () => capture()?.chainId,
    crashRun: (chainId, error) => holder?.current?.crashRun(chainId, error) ?? false,
    onFatal: (error) => end.resolve(thrownEnd(error)),
    log,
    nowMs: () => performance.now(),
  });
  const unwatch = watchProcess(end.resolve, rejected, link ? ['SIGINT', 'SIGHUP'] : []);
  link?.onStop(end.resolve);
  link?.onLost(() => end.resolve({ code: 70, why: 'the primary process is gone', drainMs: orphanDrainMs }));
  let manager: ServiceManager = noManager;
  let ownership: Ownership | null = null;
  let boot: BootWatch | null = null;
  let watchdog: LoopWatchdog | null = null;
  let resources: Resources | null = null;
  let root: Root | null = null;
  try {
    manager = link?.manager ?? (await openServiceManager(takeManagerPlace(env, process.pid)));
    const place = await findPlace(process.argv[1], config.release.current);
    prepareStateDirectory(config.stateDirectory);
    const { stateDirectory } = config;
    ownership = await (link ? ownStateDirectorySoon(stateDirectory, orphanEndMs) : ownStateDirectory(stateDirectory));
    boot = watchBoot(config, log);
    watchdog = watchLoop({
      stateDirectory: config.stateDirectory,
      ...config.watchdog,
      onProblem: (error) => log.error({ error }, 'the watchdog thread failed; a blocked loop is not noticed any more'),
    });
    resources = await openResources(config, env, log, link);
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
        onGiveUp(error) {
          // its alert is open already; under a primary that one ends, and with it every node, once
          if (link) link.send({ type: 'give-up', why: error.message });
          else end.resolve({ code: 70, why: error.message, error, alerted: true });
        },
        drainMs: () => drainMs,
      },
      manager,
      link?.order.only ?? 'everything',
      (events) => (link ? guardedAbove : openReleaseGuard({ events, resources: resources!, place, cwd, configFile })),
    );
    holder = parts.holder;
    const report = supervisionLog(log, resources.alerts);
    const starting = startTree(nodeTree(parts), { report, trace: { capture, restore } });
    const early = await Promise.race([starting.then(() => null), end.promise]);
    // told to end while starting: what stands by then is stopped in order, the rest goes with the process
    root = early ? await within(starting, startGraceMs) : await starting;
    if (early) return await finish(early);
    started.resolve(root!);
    void root!.ended.then((reason) => {
      if (reason.kind === 'gave-up') end.resolve({ code: 70, why: reason.error.message, error: reason.error });
    });
    const works = resources.working.whenUp();
    boot.ready(resources.alerts, works);
    // it may be stopped before the database comes
    void works.then(
      () => link?.send({ type: 'working' }),
      () => {},
    );
    log.info({ socket: config.admin.socket, release: parts.context.release }, 'the node is ready');
    return await finish(await end.promise);
  } catch (error) {
    return await finish({ code: isForAPerson(error) ? 78 : 70, why: (error as Error).message, error: error as Error });
  }

  async function finish({ code, why, error, alerted, drainMs: given }: ProcessEnd): Promise<number> {
    drainMs = given ?? usualDrainMs;
    manager.stopping(code === 0 ? `stopping: ${why}` : `ending with ${code}: ${why}`);
    if (error) log.error({ error, code }, `the node ends: ${why}`);
    else log.info({ code }, `the node stops: ${why}`);
    if (code === 70 || code === 78) {
      stderr.write(`linekeeper: the service ends with exit code ${code}: ${maskText(why).split('\n')[0]}\n`);
      if (!alerted && !link)
        resources?.alerts.raise({ rule: 'node.ended', subject: `exit ${code}`, level: 'critical', message: why });
    }
    await root?.stop(stopDeadlineMs);
    await resources?.close(3_000);
    await watchdog?.close();
    boot?.end(code, why);
    await ownership?.release();
    link?.send({ type: 'ended', code, why });
    link?.close();
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
  const kinds = [SocketPlaceError, StateDirectoryOwnedError, SecretError, ProviderFileError];
  return kinds.some((kind) => error instanceof kind);
}

function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
