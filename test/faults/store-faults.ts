/** Faults of PostgreSQL: ended in every way, cut off, standing on a full disk, and held up by a session that forgets itself. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../../src/database/pool.ts';
import { type Fault, type Scene, soon } from './fault.ts';
import { signalTo } from './service-process.ts';
import type { Stage } from './stage.ts';

const startOf = async (stage: Stage): Promise<string> =>
  (await stage.ask('select pg_postmaster_start_time()::text as at'))[0]!.at;

function ended(name: string, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL', longestMs: number): Fault {
  return {
    name,
    row: 2,
    lane: 'stores',
    async inject({ stage, draw }) {
      const before = await startOf(stage);
      await stage.postgres.pause(signal);
      const awayMs = draw.int(0, longestMs);
      await delay(awayMs);
      await stage.postgres.resume();
      const after = await startOf(stage);
      return before === after ? null : `another server after ${awayMs} ms`;
    },
  };
}

const engineSessions = `
  select pid from pg_stat_activity
  where datname = current_database() and application_name like 'linekeeper%' and pid <> pg_backend_pid()`;

async function endSessions(stage: Stage): Promise<number> {
  const rows = await stage.ask(`select pg_terminate_backend(pid) as ended from (${engineSessions}) s`);
  return rows.filter((row) => row.ended).length;
}

const terminated: Fault = {
  name: 'all sessions ended, again and again',
  row: 2,
  lane: 'stores',
  async inject({ stage, draw }) {
    let sessions = 0;
    for (let times = draw.int(2, 5); times > 0; times -= 1) {
      // behind a line that is half open a service has none for a while
      sessions += (await soon(() => endSessions(stage), 20_000)) ?? 0;
      await delay(draw.int(50, 1_000));
    }
    return sessions > 0 ? `${sessions} sessions` : null;
  },
};

const backendKilled: Fault = {
  name: 'a session of PostgreSQL killed, which restarts all of it',
  row: 2,
  lane: 'stores',
  async inject({ stage }) {
    const session = await soon(async () => (await stage.ask<{ pid: number }>(`${engineSessions} limit 1`))[0], 10_000);
    if (!session) return null;
    const idOf = async () => (await stage.ask('select pg_backend_pid() as pid'))[0]!.pid as number;
    const own = await idOf();
    if (!signalTo(session.pid, 'SIGKILL')) return null;
    // crash recovery ends every session, so ours is another one afterwards
    const recovered = await soon(async () => (await idOf()) !== own, 15_000);
    return recovered ? `session ${session.pid}` : null;
  },
};

const idle: Fault = {
  name: 'a session idle in a transaction',
  row: 10,
  lane: 'stores',
  async inject({ stage, draw }) {
    const forgetful = openDatabase(stage.postgres.url, { applicationName: 'forgetful', max: 1, onError: () => {} });
    try {
      const [before] = await stage.ask<{ n: string }>('select count(*) as n from step_log');
      return await forgetful.transaction(async (tx) => {
        await tx.query('select count(*) from chain');
        await delay(draw.int(3_000, 8_000));
        // whatever else is broken at this moment mends itself meanwhile
        return soon(async () => {
          const [seen] = await stage.ask(
            `select state, (select count(*) from step_log) as n from pg_stat_activity where application_name = 'forgetful'`,
          );
          const steps = Number(seen?.n ?? 0) - Number(before!.n);
          return seen?.state === 'idle in transaction' && steps > 0 && `${steps} steps went by`;
        }, 20_000);
      });
    } finally {
      await forgetful.close();
    }
  },
};

const diskFull: Fault = {
  name: 'the disk of PostgreSQL full',
  row: 11,
  lane: 'stores',
  soakOnly: true,
  possible: (stage) => stage.disk !== null,
  async inject(scene) {
    const { stage, draw } = scene;
    const ballast = join(stage.disk!, 'ballast');
    fill(ballast);
    const refusal = await soon(() => refusalOf(scene), 10_000);
    await delay(draw.int(1_000, 5_000));
    rmSync(ballast);
    // without room for its log it may have ended itself
    if (!stage.postgres.isRunning()) await stage.postgres.resume();
    await stage.ask('select 1');
    return refusal;
  },
};

function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const size of [1 << 20, 1 << 12]) {
      const block = Buffer.alloc(size);
      try {
        for (;;) if (writeSync(file, block) < size) break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** A table that grows finds out first. */
async function refusalOf({ stage }: Scene): Promise<string | null> {
  try {
    await stage.database.query('insert into fault_copy (chain_id, n) select 0, n from generate_series(1, 5000) n');
    return null;
  } catch (error) {
    return `${(error as { code?: string }).code ?? ''} ${(error as Error).message}`.trim().slice(0, 80);
  }
}

export const storeFaults: readonly Fault[] = [
  ended('PostgreSQL restarted', 'SIGINT', 1_500),
  ended('PostgreSQL stopped at once, without a checkpoint', 'SIGQUIT', 1_500),
  ended('PostgreSQL killed', 'SIGKILL', 1_500),
  { ...ended('PostgreSQL away for longer than a lease', 'SIGINT', 9_000), soakOnly: true },
  terminated,
  backendKilled,
  idle,
  diskFull,
];
