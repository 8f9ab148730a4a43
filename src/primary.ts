/**
 * The primary of `--processes N`: takes the state directory, starts the embedded PostgreSQL if there is no other, forks N
 * node processes and keeps them running; speaks to systemd, keeps the alerts and the admin socket for all of them. It loads
 * nothing of the domain, so that what breaks a node does not break it.
 *
 * Resolves to the exit code, as `runService` does: 0 after an ordered stop, 75 to be started anew, 70 when supervision gave
 * up or something was thrown that nobody caught, 78 for what only a person can mend.
 */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { admin } from '../actors/admin.ts';
import { postgres } from '../actors/postgres.ts';
import { primaryTree } from '../actors/primary.ts';
import { nodeProcess, type ProcessMessage } from '../actors/process.ts';
import { processWatchdog } from '../actors/process-watchdog.ts';
import { ask, type Root, startTree } from '../supervisors/tree.ts';
import type { Reply, SupervisionEvent } from '../supervisors/types.ts';
import { SocketPlaceError } from './admin/socket.ts';
import { type CrashWatch, watchCrashes } from './cluster/crash-watch.ts';
import { openDoor } from './cluster/door.ts';
import { exchange } from './cluster/exchange.ts';
import { nodeConfig, nodeDirectory } from './cluster/node-config.ts';
import { type NodeProcess, startNode } from './cluster/node-process.ts';
import { openPrimaryAlerts, type PrimaryAlerts } from './cluster/primary-alerts.ts';
import { clusterReport } from './cluster/report.ts';
import type { Config } from './config/schema.ts';
import { resolveSecret, SecretError } from './config/secret.ts';
import { prepareStateDirectory, StateDirectoryError } from './config/state-directory.ts';
import { type Ownership, ownStateDirectory, StateDirectoryOwnedError } from './database/embedded/ownership.ts';
import { startEmbedded } from './database/embedded/server.ts';
import { ownRelease } from './database/release.ts';
import { createLog } from './log/log.ts';
import { maskText } from './log/mask.ts';
import { supervisionLog } from './log/supervision-log.ts';
import { type BootWatch, watchBoot } from './process/boot-watch.ts';
import { type LoopWatchdog, watchLoop } from './process/loop-watchdog.ts';
import { type ProcessEnd, thrownEnd, watchProcess } from './process/process-end.ts';
import { noManager, openServiceManager, type ServiceManager, takeManagerPlace } from './release/notify.ts';

export interface PrimaryIo {
  readonly env: Record<string, string | undefined>;
  readonly stderr: { write(text: string): unknown };
}

const entry = join(import.meta.dirname, 'cli/main.ts');
/** An ordered stop of a node drains for 10 s and ends within 25. */
const nodeStopMs = 25_000;
const stopDeadlineMs = 30_000;
const restartMs = 180_000;

export async function runPrimary(config: Config, { env, stderr }: PrimaryIo): Promise<number> {
  const log = createLog({ level: config.log.level, base: { process: 'primary' } });
  const end = Promise.withResolvers<ProcessEnd>();
  const nodes: (NodeProcess | null)[] = Array.from({ length: config.processes }, () => null);
  const present = () => nodes.filter((node) => node !== null);
  const unwatch = watchProcess(end.resolve, (reason) => end.resolve(thrownEnd(reason)));
  let manager: ServiceManager = noManager;
  let ownership: Ownership | null = null;
  let boot: BootWatch | null = null;
  let watchdog: LoopWatchdog | null = null;
  let alerts: PrimaryAlerts | null = null;
  let crashes: CrashWatch | null = null;
  let root: Root | null = null;
  let ending = false;
  let onRestartSignal = () => {};
  try {
    manager = await openServiceManager(takeManagerPlace(env, process.pid));
    prepareStateDirectory(config.stateDirectory);
    ownership = await ownStateDirectory(config.stateDirectory);
    boot = watchBoot(config, log);
    watchdog = watchLoop({
      stateDirectory: config.stateDirectory,
      ...config.watchdog,
      onProblem: (error) => log.error({ error }, 'the watchdog thread failed; a blocked loop is not noticed any more'),
    });
    alerts = openPrimaryAlerts(config, env, log);
    const kept = alerts;
    crashes = watchCrashes(
      kept.service,
      `${hostname()} ${basename(config.stateDirectory)}`,
      config.crashLoop.healthyAfterMs,
    );
    const { url } = config.database;
    if (url !== undefined) kept.useDatabase(resolveSecret(url, { ...env }));
    for (const warning of kept.service.warnings()) log.warn(warning);
    const tooEarly = new AbortController();
    void end.promise.then(() => tooEarly.abort());
    await boot.beforeWork(kept.service, tooEarly.signal);
    if (tooEarly.signal.aborted) return await finish(await end.promise);

    const started = Promise.withResolvers<Root>();
    let embeddedUrl: string | null = null;
    const nowMs = () => performance.now();
    const proofMs = manager.watchdogMs === null ? config.watchdog.deadlineMs || null : manager.watchdogMs / 2;
    const hear = exchange({
      alerts: kept.service,
      nodes: () => nodes,
      onWorking: kept.markPrepared,
      onGiveUp: (why) => end.resolve({ code: 70, why, alerted: true }),
    });
    const ownedBy = ownership;
    const processes = nodes.map((_, at) => {
      const index = at + 1;
      return nodeProcess({
        index,
        nowMs,
        stopMs: nodeStopMs,
        onUnsuitable: (error) => end.resolve({ code: 78, why: error.message, error }),
        onChange(process) {
          nodes[at] = process;
          if (process) crashes?.began(index);
        },
        start(signal) {
          const own = nodeConfig(config, index, embeddedUrl);
          mkdirSync(nodeDirectory(config, index), { recursive: true, mode: 0o711 });
          const alertWarnings = kept.service.warnings();
          return startNode(
            {
              index,
              entry,
              env,
              socket: own.admin.socket,
              order: { type: 'order', index, config: own, watchdogMs: proofMs, alertWarnings },
              onMessage: (message) => hear(index, message),
              nowMs,
            },
            // told to end while one starts: it is not waited for
            AbortSignal.any([signal, tooEarly.signal]),
          );
        },
      });
    });
    let turn = 0;
    const report = clusterReport({
      nodes: () => nodes,
      tree: () => (root ?? standing()).snapshot(),
      release: ownRelease(),
      pid: process.pid,
      startedAt: new Date(),
      warnings: () => kept.service.warnings(),
      nowMs,
    });
    const restartAll = oneAtATime(async (why: string) => {
      const restarted: { index: number; pid: number }[] = [];
      const tree = await started.promise;
      for (let index = 1; index <= config.processes; index += 1) {
        const ref = tree.ref<ProcessMessage>(`processes/process-${index}`);
        const question = (reply: Reply<number>): ProcessMessage => ({ type: 'restart', why, reply });
        restarted.push({ index, pid: await ask(ref, question, { deadlineMs: restartMs }) });
      }
      return restarted;
    });
    const door = {
      report,
      log,
      restartAll,
      node: (index: number) => nodes[index - 1] ?? null,
      ready() {
        const ready = present().filter((node) => !node.isStopping());
        turn += 1;
        return ready.map((_, at) => ready[(at + turn) % ready.length]!);
      },
    };
    onRestartSignal = () => {
      restartAll('SIGHUP was received').catch((error: Error) => log.error({ error }, 'the rolling restart failed'));
    };
    process.on('SIGHUP', onRestartSignal);

    const starting = startTree(
      primaryTree({
        observability: [admin(() => openDoor(config.admin.socket, door))],
        infrastructure:
          url === undefined
            ? [
                postgres({
                  start: () => startEmbedded({ stateDirectory: config.stateDirectory, ownership: ownedBy, log }),
                  onStarted(found) {
                    embeddedUrl = found;
                    kept.useDatabase(found);
                  },
                }),
              ]
            : [],
        processes,
        guardians: [
          processWatchdog({
            manager,
            started: started.promise,
            processes: () => nodes,
            proofMs,
            stopMs: nodeStopMs + 5_000,
            log,
            nowMs,
          }),
        ],
      }),
      { report: reporter(supervisionLog(log, kept.service)) },
    );
    const early = await Promise.race([starting.then(() => null), end.promise]);
    // what stands by then is stopped in order; a start that was given up has stopped it already
    root = early ? await starting.catch(() => null) : await starting;
    if (early) return await finish(early);
    started.resolve(root!);
    void root!.ended.then((reason) => {
      if (reason.kind === 'gave-up') end.resolve({ code: 70, why: reason.error.message, error: reason.error });
    });
    boot.ready(kept.service, kept.whenPrepared());
    log.info(
      { socket: config.admin.socket, processes: config.processes, release: ownRelease() },
      'the primary is ready',
    );
    return await finish(await end.promise);
  } catch (error) {
    return await finish({ code: isForAPerson(error) ? 78 : 70, why: (error as Error).message, error: error as Error });
  }

  function reporter(tell: (event: SupervisionEvent) => void): (event: SupervisionEvent) => void {
    return (event) => {
      tell(event);
      const index = /^processes\/process-(\d+)$/.exec(event.path)?.[1];
      if (index !== undefined && event.type === 'crashed') crashes?.died(Number(index), event.error);
    };
  }

  async function finish({ code, why, error, alerted }: ProcessEnd): Promise<number> {
    if (ending) return code;
    ending = true;
    manager.stopping(code === 0 ? `stopping: ${why}` : `ending with ${code}: ${why}`);
    if (error) log.error({ error, code }, `the primary ends: ${why}`);
    else log.info({ code }, `the primary stops: ${why}`);
    if (code === 70 || code === 78) {
      stderr.write(`linekeeper: the service ends with exit code ${code}: ${maskText(why).split('\n')[0]}\n`);
      if (!alerted)
        alerts?.service.raise({ rule: 'node.ended', subject: `exit ${code}`, level: 'critical', message: why });
    }
    // all at once; the tree alone would stop one after the other
    await Promise.all(present().map((node) => node.stop({ code: 0, why }, nodeStopMs)));
    await root?.stop(stopDeadlineMs);
    await alerts?.close(3_000);
    crashes?.close();
    await watchdog?.close();
    boot?.end(code, why);
    await ownership?.release();
    process.off('SIGHUP', onRestartSignal);
    unwatch();
    return code;
  }
}

function standing(): never {
  throw new Error('the tree is still starting; ask again in a moment');
}

/** A second call while the first runs gets the first one's answer. */
function oneAtATime<Answer>(work: (why: string) => Promise<Answer>): (why: string) => Promise<Answer> {
  let running: Promise<Answer> | null = null;
  return (why) => {
    running ??= work(why).finally(() => {
      running = null;
    });
    return running;
  };
}

function isForAPerson(error: unknown): boolean {
  if (error instanceof Error && error.name === 'StartError') return isForAPerson(error.cause);
  return (
    error instanceof SocketPlaceError ||
    error instanceof StateDirectoryOwnedError ||
    error instanceof StateDirectoryError ||
    error instanceof SecretError
  );
}
