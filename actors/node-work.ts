/** A node's group `work`: the providers, the chains and what opens them. */
import { hostname } from 'node:os';
import { createEngine, type Engine } from '../src/chains/engine.ts';
import { stopPointsFromEnvironment } from '../src/chains/stop-points.ts';
import { declareEnded, lookForSuspects } from '../src/chains/suspects.ts';
import { ownSchema } from '../src/database/schema-range.ts';
import { watchClock } from '../src/node/clock-offset.ts';
import { startSuspectProcess } from '../src/node/suspect-process.ts';
import { nodeName } from '../src/process/boot-watch.ts';
import { sharedLimit } from '../src/providers/limits/shared-limit.ts';
import { syncTypesOf } from '../src/providers/registry.ts';
import { routItLimits } from '../src/providers/routit/chain.ts';
import { limitsSpec } from '../src/providers/spec/adapter.ts';
import { fireDue } from '../src/schedule/fire.ts';
import type { ChildSpec } from '../supervisors/types.ts';
import { engine } from './engine.ts';
import { provider } from './provider.ts';
import { router } from './router.ts';
import { scheduler } from './scheduler.ts';
import { suspects } from './suspects.ts';
import type { Wiring } from './wiring.ts';

const schedulerIntervalMs = 1_000;
const suspectsIntervalMs = 1_000;

export function providers({ resources }: Wiring): ChildSpec[] {
  const { config, database, log } = resources;
  const adapters = resources.providers.map(({ adapter }) => adapter);
  const syncTypes = syncTypesOf(adapters);
  const limitsOf = new Map([
    ['ROUTIT', routItLimits],
    ...adapters.map(({ syncType, limits }) => [syncType, limits] as const),
  ]);
  return [
    router({ log, syncTypes }),
    ...syncTypes.map((entry) => {
      const limits = limitsOf.get(entry.syncType) ?? limitsSpec.parse({});
      return provider({
        entry,
        maxSessions: limits.maxSessions ?? config.providers.sftp.maxSessions,
        breaker: limits.breaker,
        limit: sharedLimit({ database, syncType: entry.syncType, limits }),
        nowMs: () => performance.now(),
      });
    }),
  ];
}

export function chains({ resources, context, holder, ends, task }: Wiring): ChildSpec[] {
  const { alerts, config, database: db, env, log, signals, working } = resources;
  // read now: the release's directory may be gone when the engine is restarted
  const schema = ownSchema();
  const create = (): Engine =>
    createEngine({
      open: resources.openEngineDatabase,
      definitions: context.definitions,
      signals,
      log,
      clock: { monotonicMs: () => performance.now() },
      random: Math.random,
      nodeInfo: { host: hostname(), pid: process.pid, release: context.release, schema },
      alerts,
      availability: working,
      onMoved: resources.hosts.onMoved,
      lanes: config.chains.lanes,
      leaseMs: config.chains.leaseMs,
      beatMs: config.chains.beatMs,
      sweepMs: config.chains.sweepMs,
      stepDeadlineMs: config.chains.stepDeadlineMs,
      suspects: task === 'suspects' ? 'only' : 'leave',
      spoolRoot: resources.spoolDirectory,
      stopPoints: stopPointsFromEnvironment(env),
    });

  const runs = engine({ create, holder, drainMs: ends.drainMs });
  if (task === 'suspects') return [runs];
  return [
    runs,
    suspects({
      look: () => (working.isUp() ? lookForSuspects(db) : Promise.resolve(null)),
      start: (signal) => startSuspectProcess(resources, signal),
      declareEnded: (pid) => declareEnded(db, hostname(), pid),
      alerts,
      node: () => nodeName(config.stateDirectory),
      log,
      intervalMs: suspectsIntervalMs,
      nowMs: () => performance.now(),
    }),
  ];
}

export function schedules({ resources, context, holder }: Wiring): ChildSpec[] {
  const { alerts, config, database: db, log, signals, working } = resources;
  return [
    scheduler({
      fireDue: async () => {
        const { slots, errors } = await fireDue(db, { enqueue: context.enqueue });
        for (const { schedule, error, isNew } of errors) {
          if (isNew) log.error({ schedule, error }, 'a schedule cannot fire; it is tried every second');
        }
        for (const slot of slots) log.info({ ...slot }, `schedule slot ${slot.result}`);
        signals.publish(...slots.flatMap((slot) => slot.chainId ?? []));
        return slots.length;
      },
      clock: watchClock({
        database: db,
        alerts,
        node: () => nodeName(config.stateDirectory),
        bootId: () => holder.current?.status().bootId ?? null,
        wallMs: () => Date.now(),
      }),
      looksPerClock: 30,
      availability: working,
      intervalMs: schedulerIntervalMs,
    }),
  ];
}
