/**
 * What a node does about its own boots: waits in a crash loop and alerts it once, tells when the boot before was ended by
 * the watchdog, and takes both back when this boot has held for `healthyAfterMs`.
 */
import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { Alerts } from '../alerts/alerts.ts';
import type { Config } from '../config/schema.ts';
import { ownRelease } from '../database/release.ts';
import type { Log } from '../log/log.ts';
import { openBoot, waitBeforeWork } from './boot.ts';

export interface BootWatch {
  /** Waits, when the boots before say so; the signal cuts it short. */
  beforeWork(alerts: Alerts, signal: AbortSignal): Promise<void>;
  /** The tree stands; `working` resolves when the database is there too, from when on it can prove itself. */
  ready(alerts: Alerts, working: Promise<void>): void;
  end(code: number, why: string): void;
}

/** What an alert of one node is about: the nodes of a database share its alerts. */
export function nodeName(stateDirectory: string): string {
  return `${hostname()} ${basename(stateDirectory)}`;
}

export function watchBoot(config: Pick<Config, 'stateDirectory' | 'crashLoop'>, log: Log): BootWatch {
  const { stateDirectory, crashLoop: limits } = config;
  const boot = openBoot({
    stateDirectory,
    release: ownRelease(),
    pid: process.pid,
    limits,
    now: () => new Date(),
    warn: (message) => log.warn(message),
  });
  const node = nodeName(stateDirectory);
  let healthy: NodeJS.Timeout | undefined;
  let ended = false;

  return {
    async beforeWork(alerts, signal) {
      const { deaths, previous, waitMs } = boot;
      if (previous?.end === 'blocked loop') {
        alerts.raise({
          rule: 'node.blocked-loop',
          subject: node,
          level: 'critical',
          message: `the event loop of process ${previous.pid} was blocked and the process was ended: ${previous.why}`,
        });
      }
      if (waitMs === 0) return;
      log.warn({ deaths, waitMs }, `${deaths} boots in a row died before they were healthy; work begins later`);
      if (boot.claimAlert()) {
        alerts.raise({
          rule: 'node.crash-loop',
          subject: node,
          level: 'critical',
          message: `${deaths} boots in a row died before they were healthy; the last: ${previous?.end}, ${previous?.why}. Each further one waits longer before it takes work; see boots.json in the state directory`,
        });
      }
      await waitBeforeWork(waitMs, signal);
    },
    ready(alerts, working) {
      const held = () => {
        boot.held();
        alerts.resolve('node.crash-loop', node);
        alerts.resolve('node.blocked-loop', node);
        for (const code of [70, 78]) alerts.resolve('node.ended', `exit ${code}`);
      };
      working.then(
        () => {
          if (!ended) healthy = setTimeout(held, limits.healthyAfterMs).unref();
        },
        // stopped before the database came
        () => {},
      );
    },
    end(code, why) {
      ended = true;
      clearTimeout(healthy);
      boot.end(code, why);
    },
  };
}
