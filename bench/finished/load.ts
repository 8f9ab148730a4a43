/** A load that never ends: an engine, and a feeder that keeps ready chains of four no-op steps in front of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { chain, succeeded } from '../../src/chains/define.ts';
import { createEngine, type Engine } from '../../src/chains/engine.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { ownRelease } from '../../src/database/release.ts';
import { ownSchema } from '../../src/database/schema-range.ts';
import type { Database } from '../../src/database/session.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';

const noop = async () => succeeded();
const four = chain('bench', z.object({})).step('a', noop).step('b', noop).step('c', noop).step('d', noop);

const backlog = 4_000;
const batch = 2_000;

const feed = `
  insert into chain (name, step, traceparent, input)
  select 'bench', 'a', '00-' || lpad(to_hex(n), 32, '1') || '-1111111111111111-01', '{}' from generate_series(1, $1::integer) n`;

export interface Load {
  stop(): Promise<void>;
}

export async function startLoad(url: string, database: Database): Promise<Load> {
  const engine = engineOn(url);
  const end = new AbortController();
  let failure: unknown = null;
  engine.ended.catch((error: unknown) => {
    failure = error;
  });
  engine.start();
  const feeding = (async () => {
    let fed = 0;
    while (!end.signal.aborted) {
      if (failure) throw failure;
      if (fed - engine.status().carried < backlog) {
        await database.query(feed, [batch]);
        fed += batch;
        engine.wake();
      } else await delay(5);
    }
  })();
  return {
    async stop() {
      end.abort();
      await feeding;
      await engine.stop(10_000);
      await database.query(`delete from chain where name = 'bench' and state = 'ready'`);
    },
  };
}

function engineOn(url: string): Engine {
  const ignore = () => {};
  return createEngine({
    open: (options) => openDatabase(url, options),
    definitions: [four],
    signals: inProcessSignals(ignore),
    log: { info: ignore, warn: ignore, error: ignore },
    clock: { monotonicMs: () => performance.now() },
    random: Math.random,
    nodeInfo: { host: 'bench', pid: process.pid, release: ownRelease(), schema: ownSchema() },
    alerts: { raise: ignore, resolve: ignore, flush: async () => {} },
    availability: { report: () => false, whenUp: async () => {} },
  });
}
