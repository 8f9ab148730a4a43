/** A node's group `infrastructure`: its database, the hints between nodes and its compute threads. */
import { hostname } from 'node:os';
import { openComputePool } from '../src/compute/open-pool.ts';
import { startEmbedded } from '../src/database/embedded/server.ts';
import { readApplicationId } from '../src/node/application.ts';
import { isUnsuitable, keepPartitions, prepareDatabase } from '../src/node/prepare.ts';
import type { ChildSpec } from '../supervisors/types.ts';
import { compute } from './compute.ts';
import { database } from './database.ts';
import { postgres } from './postgres.ts';
import { signals } from './signals.ts';
import type { Wiring } from './wiring.ts';

/** Partitions by day are made three days ahead. */
const maintainEveryMs = 3_600_000;

export function infrastructure({ resources, ownership, ends }: Wiring): ChildSpec[] {
  const { alerts, availability, config, log, working } = resources;
  const embedded = postgres({
    start: () => startEmbedded({ stateDirectory: config.stateDirectory, ownership, log }),
    onStarted: resources.useDatabase,
  });
  return [
    ...(config.database.url === undefined ? [embedded] : []),
    database({
      availability,
      prepare: () => prepareDatabase(resources),
      maintain: () => keepPartitions(resources),
      maintainEveryMs,
      onPrepared: resources.markPrepared,
      onMoved: resources.hosts.onMoved,
      hosts: resources.hosts.view,
      isUnsuitable,
      ...ends,
      alerts,
      giveUpMs: config.dependencyGiveUpMs,
      nowMs: () => performance.now(),
    }),
    ...(resources.redis
      ? [
          signals({
            signals: resources.redis,
            availability: working,
            application: () => readApplicationId(resources.database, hostname()),
            onUnsuitable: ends.onUnsuitable,
            alerts,
            nowMs: () => performance.now(),
          }),
        ]
      : []),
    compute(
      () =>
        openComputePool({
          threads: config.compute.threads,
          maxOldGenerationMb: config.compute.taskMemoryMb,
          tasksPerThread: config.compute.tasksPerThread,
          threadAgeMs: config.compute.threadAgeMs,
          ...(config.compute.threadHeapMb === undefined ? {} : { threadHeapMb: config.compute.threadHeapMb }),
        }),
      resources.compute,
    ),
  ];
}
