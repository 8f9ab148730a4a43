/** Nodes on a primary and its standby, wired to their hosts as `openResources` wires them, each with an engine. */

import { createEngine, type Engine } from '../../src/chains/engine.ts';
import type { AnyDefinition } from '../../src/chains/registry.ts';
import { watchAvailability } from '../../src/database/availability.ts';
import { hostsOf } from '../../src/database/hosts/host-list.ts';
import { type Hosts, openHosts } from '../../src/database/hosts/hosts.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { ownSchema } from '../../src/database/schema-range.ts';
import { askServer } from '../../src/database/server-facts.ts';
import type { Database } from '../../src/database/session.ts';
import { abandonWhenSilent } from '../../src/node/answering-database.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import { silentLog } from './harness.ts';

export interface FailoverNode {
  readonly engine: Engine;
  readonly hosts: Hosts;
  readonly database: Database;
  readonly crashes: unknown[];
  /** A look at all hosts now. */
  look(): void;
  close(): Promise<void>;
}

const after = (delayMs: number, run: () => void) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

export async function failoverNode(
  url: string,
  definitions: readonly AnyDefinition[],
  beatMs = 200,
): Promise<FailoverNode> {
  const hosts = openHosts({ hosts: hostsOf(url), ask: askServer, after });
  const availability = watchAvailability({
    probe: hosts.probe,
    now: () => performance.now(),
    after,
    random: Math.random,
    maxDelayMs: 500,
  });
  const pools = abandonWhenSilent(availability);
  hosts.onMoved(() => pools.abandon(new Error('the database moved')));
  await availability.whenUp();
  const database = pools.keep(
    openDatabase(hosts.place, { applicationName: 'test', max: 4, onError: (error) => void availability.report(error) }),
  );
  const engine = createEngine({
    open: (options) => pools.keep(openDatabase(hosts.termPlace(), options)),
    definitions,
    signals: inProcessSignals(() => {}),
    log: silentLog,
    clock: { monotonicMs: () => performance.now() },
    random: Math.random,
    nodeInfo: { host: 'test', pid: process.pid, release: '0.1.0', schema: ownSchema() },
    alerts: { raise() {}, resolve() {}, flush: async () => {} },
    availability,
    onMoved: hosts.onMoved,
    lanes: 8,
    leaseMs: beatMs * 4,
    beatMs,
    sweepMs: 30,
  });
  const crashes: unknown[] = [];
  engine.ended.catch((error: unknown) => crashes.push(error));
  engine.start();
  return {
    engine,
    hosts,
    database,
    crashes,
    look: availability.look,
    async close() {
      await engine.stop(0);
      availability.stop();
      await database.close();
    },
  };
}
