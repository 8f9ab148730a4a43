/**
 * The primary of `--processes N`: takes the state directory, starts the embedded PostgreSQL if there is no other, forks N
 * node processes and keeps them running; speaks to systemd, keeps the alerts and the admin socket for all of them. It loads
 * nothing of the domain, so that what breaks a node does not break it.
 *
 * Resolves to the exit code, as `runService` does: 0 after an ordered stop, 75 to be started anew, 70 when supervision gave
 * up or something was thrown that nobody caught, 78 for what only a person can mend.
 */
import { type Cluster, clusterParts, nodeStopMs } from '../actors/cluster.ts';
import { primaryTree } from '../actors/primary.ts';
import { type Root, StartError, startTree } from '../supervisors/tree.ts';
import type { SupervisionEvent } from '../supervisors/types.ts';
import { SocketPlaceError } from './admin/socket.ts';
import { type CrashWatch, watchCrashes } from './cluster/crash-watch.ts';
import { openPrimaryAlerts, type PrimaryAlerts } from './cluster/primary-alerts.ts';
import type { Config } from './config/schema.ts';
import { resolveSecret, SecretError } from './config/secret.ts';
import { prepareStateDirectory, StateDirectoryError } from './config/state-directory.ts';
import { type Ownership, ownStateDirectory, StateDirectoryOwnedError } from './database/embedded/ownership.ts';
import { ownRelease } from './database/release.ts';
import { createLog } from './log/log.ts';
import { maskText } from './log/mask.ts';
import { supervisionLog } from './log/supervision-log.ts';
import { type BootWatch, nodeName, watchBoot } from './process/boot-watch.ts';
import { type LoopWatchdog, watchLoop } from './process/loop-watchdog.ts';
import { type ProcessEnd, thrownEnd, watchProcess } from './process/process-end.ts';
import type { ServiceIo } from './process/service-io.ts';
import { noManager, openServiceManager, type ServiceManager, takeManagerPlace } from './release/notify.ts';
import { findPlace } from './release/place.ts';

const stopDeadlineMs = 30_000;

export async function runPrimary(config: Config, { env, stderr, cwd, configFile }: ServiceIo): Promise<number> {
  const log = createLog({ level: config.log.level, base: { process: 'primary' } });
  const end = Promise.withResolvers<ProcessEnd>();
  const ending = new AbortController();
  void end.promise.then(() => ending.abort());
  const unwatch = watchProcess(end.resolve, (reason) => end.resolve(thrownEnd(reason)));
  let manager: ServiceManager = noManager;
  let ownership: Ownership | null = null;
  let boot: BootWatch | null = null;
  let watchdog: LoopWatchdog | null = null;
  let alerts: PrimaryAlerts | null = null;
  let crashes: CrashWatch | null = null;
  let cluster: Cluster | null = null;
  let root: Root | null = null;
  const restart = () => {
    const failed = (error: Error) => log.error({ error }, 'the rolling restart failed');
    cluster?.restartAll('SIGHUP was received').catch(failed);
  };
  process.on('SIGHUP', restart);
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
    alerts = openPrimaryAlerts(config, env, log);
    const { service } = alerts;
    crashes = watchCrashes(service, nodeName(config.stateDirectory), config.crashLoop.healthyAfterMs);
    if (config.database.url !== undefined) alerts.useDatabase(resolveSecret(config.database.url, { ...env }));
    for (const warning of service.warnings()) log.warn(warning);
    await boot.beforeWork(service, ending.signal);
    if (ending.signal.aborted) return await finish(await end.promise);

    const started = Promise.withResolvers<Root>();
    cluster = clusterParts(
      {
        config,
        env,
        cwd,
        configFile,
        log,
        alerts,
        crashes,
        ownership,
        manager,
        place,
        ending: ending.signal,
        end: end.resolve,
      },
      started.promise,
    );
    const report = reporter(supervisionLog(log, service), crashes);
    const starting = startTree(primaryTree(cluster.parts), { report });
    const early = await Promise.race([starting.then(() => null), end.promise]);
    // what stands by then is stopped in order; a start that was given up has stopped it already
    root = early ? await starting.catch(() => null) : await starting;
    if (early) return await finish(early);
    started.resolve(root!);
    void root!.ended.then((reason) => {
      if (reason.kind === 'gave-up') end.resolve({ code: 70, why: reason.error.message, error: reason.error });
    });
    boot.ready(service, alerts.whenPrepared());
    const { processes, admin } = config;
    log.info({ socket: admin.socket, processes, release: ownRelease() }, 'the primary is ready');
    return await finish(await end.promise);
  } catch (error) {
    return await finish({ code: isForAPerson(error) ? 78 : 70, why: (error as Error).message, error: error as Error });
  }

  async function finish({ code, why, error, alerted }: ProcessEnd): Promise<number> {
    manager.stopping(code === 0 ? `stopping: ${why}` : `ending with ${code}: ${why}`);
    if (error) log.error({ error, code }, `the primary ends: ${why}`);
    else log.info({ code }, `the primary stops: ${why}`);
    if (code === 70 || code === 78) {
      stderr.write(`linekeeper: the service ends with exit code ${code}: ${maskText(why).split('\n')[0]}\n`);
      if (!alerted)
        alerts?.service.raise({ rule: 'node.ended', subject: `exit ${code}`, level: 'critical', message: why });
    }
    // all at once; the tree alone would stop one after the other
    await Promise.all((cluster?.nodes() ?? []).map((node) => node.stop({ code: 0, why }, nodeStopMs)));
    await root?.stop(stopDeadlineMs);
    crashes?.close();
    await alerts?.close(3_000);
    await watchdog?.close();
    boot?.end(code, why);
    await ownership?.release();
    process.off('SIGHUP', restart);
    unwatch();
    return code;
  }
}

/** What a node process died of is counted too. */
function reporter(tell: (event: SupervisionEvent) => void, crashes: CrashWatch): (event: SupervisionEvent) => void {
  return (event) => {
    tell(event);
    const index = /^processes\/process-(\d+)$/.exec(event.path)?.[1];
    if (index !== undefined && event.type === 'crashed') crashes.died(Number(index), event.error);
  };
}

function isForAPerson(error: unknown): boolean {
  if (error instanceof StartError) return isForAPerson(error.cause);
  const kinds = [SocketPlaceError, StateDirectoryOwnedError, StateDirectoryError, SecretError];
  return kinds.some((kind) => error instanceof kind);
}
