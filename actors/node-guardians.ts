/** A node's group `guardians`: what looks whether all the rest is well. */
import { lookAtSwaps, lookByClock } from '../src/alert-rules/evaluate.ts';
import { retentionWork } from '../src/node/retention.ts';
import { nodeName } from '../src/process/boot-watch.ts';
import { unmetExpectations } from '../src/services/expectations.ts';
import { findFaults, openFindings } from '../src/services/findings.ts';
import { liveNodes } from '../src/services/nodes.ts';
import { countOpenChains } from '../src/services/open-chains.ts';
import type { ChildSpec } from '../supervisors/types.ts';
import { alertRules } from './alert-rules.ts';
import { auditor } from './auditor.ts';
import { recycler } from './recycler.ts';
import { releaseGuard } from './release-guard.ts';
import { retention } from './retention.ts';
import { watchdog } from './watchdog.ts';
import type { Wiring } from './wiring.ts';

const auditIntervalMs = 10_000;
const recycleIntervalMs = 1_000;
const releaseIntervalMs = 2_000;
const carryEveryMs = 10_000;
const removeEveryMs = 3_600_000;
const swapsEveryMs = 2_000;
const clockEveryMs = 600_000;

/** A process for suspects is only watched. */
export function guardians(wiring: Wiring): ChildSpec[] {
  const { resources, context, holder, ends, manager, openReleaseGuard, seen, started, task } = wiring;
  const { alerts, availability, config, database: db, log, working } = resources;
  const watch = watchdog({
    manager,
    started,
    availability,
    isPrepared: resources.isPrepared,
    engine: () => holder.current?.status() ?? null,
    alerts,
    countOpen: () => countOpenChains(db, working, log),
    log,
    nowMs: () => performance.now(),
    wallClock: () => new Date(),
  });
  if (task === 'suspects') return [watch];
  return [
    auditor({
      find: async () => {
        seen.nodes = await liveNodes(db);
        return [...(await findFaults(db)), ...(await unmetExpectations(db, context.definitions))];
      },
      openFindings: () => openFindings(db),
      report: (state) => {
        seen.audited = state;
      },
      alerts,
      availability: working,
      intervalMs: auditIntervalMs,
      nowMs: () => performance.now(),
    }),
    watch,
    alertRules({
      lookAtSwaps: (signal) => lookAtSwaps(db, alerts, signal),
      lookByClock: (signal) => lookByClock(db, alerts, signal),
      availability: working,
      swapsEveryMs,
      clockEveryMs,
      log,
    }),
    retention({
      ...retentionWork(db, alerts, config),
      availability: working,
      carryEveryMs,
      removeEveryMs,
      nowMs: () => performance.now(),
      log,
    }),
    recycler({
      limits: config.recycle,
      chains: () => holder.current?.status().carried ?? 0,
      uptimeMs: () => performance.now(),
      memoryMb: () => process.memoryUsage.rss() / 2 ** 20,
      onRecycle: ends.onRecycle,
      intervalMs: recycleIntervalMs,
    }),
    releaseGuard({
      open: openReleaseGuard,
      onMoved: ends.onRecycle,
      onDeleted: ends.onGiveUp,
      alerts,
      node: () => nodeName(config.stateDirectory),
      log,
      intervalMs: releaseIntervalMs,
    }),
  ];
}
