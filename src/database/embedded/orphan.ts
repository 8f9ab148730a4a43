/**
 * A server that runs on our data directory without a keeper: its keeper and owner were killed. It is worth keeping (its
 * sessions live on) if it answers and was started with the settings of this release; otherwise it is ended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { serverArguments } from './cluster.ts';
import type { Log, Placement } from './placement.ts';
import { endPostmaster, findPostmaster, waitForEnd } from './postmaster.ts';

/** It says it is ready: then it answers soon. It says it is starting: recovery may take a while. */
const readyAnswersMs = 3_000;
const startingAnswersMs = 60_000;
const stopMs = 10_000;

/** Resolves to the pid to adopt; null when nothing runs any more. */
export async function findOrphan(placement: Placement, log: Log): Promise<number | null> {
  const { data } = placement;
  const begunMs = performance.now();
  for (;;) {
    const found = findPostmaster(data);
    if (!found) return null;
    const { pid } = found;
    if (found.status === 'stopping') {
      if (!(await waitForEnd(pid, data, stopMs))) await endPostmaster(pid, data, stopMs);
      return null;
    }
    const name = found.status === 'ready' ? await clusterName(found.socketDirectory) : null;
    if (name !== null && name === expectedName(placement)) {
      log.info({ pid }, `found PostgreSQL ${pid} without a keeper on ${data}; it is kept`);
      return pid;
    }
    const patienceMs = found.status === 'ready' ? readyAnswersMs : startingAnswersMs;
    if (name !== null || performance.now() - begunMs > patienceMs) {
      const why = name === null ? 'does not answer' : 'runs with other settings';
      log.warn({ pid }, `found PostgreSQL ${pid} without a keeper on ${data}, which ${why}; it is stopped first`);
      await endPostmaster(pid, data, stopMs);
      return null;
    }
    await delay(50);
  }
}

function expectedName(placement: Placement): string {
  return serverArguments(placement).at(-1)!.replace('cluster_name=', '');
}

async function clusterName(socketDirectory: string): Promise<string | null> {
  const client = new pg.Client({
    connectionString: `postgres://linekeeper@/postgres?host=${encodeURIComponent(socketDirectory)}`,
    connectionTimeoutMillis: 2_000,
    query_timeout: 2_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const result = await client.query<{ name: string }>(`select current_setting('cluster_name') as name`);
    return result.rows[0]?.name ?? '';
  } catch {
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}
