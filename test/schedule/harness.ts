/** What the schedule tests share: a real database, a chain with one step that nobody runs, and schedules that missed slots. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { chain, succeeded } from '../../src/chains/define.ts';
import { createEnqueue, type Enqueue } from '../../src/chains/enqueue.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { type Fired, fireDue } from '../../src/schedule/fire.ts';
import { ensureSchedule, type ScheduleInput } from '../../src/schedule/schedule.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import { testDatabase } from '../support/database.ts';

export const tick = chain('tick', z.strictObject({ every: z.number() })).step('only', async () => succeeded());

export interface ScheduleHarness {
  readonly url: string;
  readonly database: Database;
  readonly enqueue: Enqueue;
  fire(): Promise<Fired>;
  /** A schedule of every five minutes, unless it says otherwise, whose last `slots` slots were missed. */
  missed(slots: number, schedule: Partial<ScheduleInput> & { name: string }): Promise<void>;
  /** `fired`, `skipped: why` and so on, in the order of their due times; chain numbers and times are N. */
  slotsOf(name: string): Promise<string[]>;
  /** The open chains of the schedule end so. */
  endChains(name: string, state: string): Promise<void>;
  /** One more slot: the stored due time moves to a moment ago. */
  dueAgain(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function scheduleHarness(): Promise<ScheduleHarness> {
  const server = await testDatabase();
  const database = openDatabase(server.url, { applicationName: 'test' });
  const enqueue = createEnqueue({
    registry: createRegistry([tick]),
    signals: inProcessSignals((error) => assert.fail(String(error))),
  });
  return {
    url: server.url,
    database,
    enqueue,
    fire: () => fireDue(database, { enqueue }),
    async missed(slots, { cron, everyMs, ...schedule }) {
      const plan = everyMs == null ? { cron: cron ?? '*/5 * * * *' } : { everyMs };
      await ensureSchedule(database, { ...plan, chain: 'tick', input: { every: 5 }, ...schedule });
      const backMs = everyMs ?? 300_000;
      await database.query(
        `update schedule
         set next_due_at = date_bin($3 * interval '1 millisecond', now(), '2026-01-01')
                           - ($2 - 1) * $3 * interval '1 millisecond'
         where name = $1`,
        [schedule.name, slots, backMs],
      );
    },
    async slotsOf(name) {
      const rows = await database.query(
        'select result, reason from schedule_slot where schedule = $1 order by due_at',
        [name],
      );
      return rows.map(({ result, reason }) =>
        reason ? `${result}: ${reason.replace(/\d{4}-[\d:.TZ-]+/, 'N').replace(/chain \d+/, 'chain N')}` : result,
      );
    },
    async endChains(name, state) {
      await database.query(
        `update chain set state = $2::chain_state, finished_at = now()
         where state = 'ready' and id in (select chain_id from schedule_slot where schedule = $1)`,
        [name, state],
      );
    },
    async dueAgain(name) {
      await database.query(
        `update schedule set next_due_at = date_trunc('milliseconds', clock_timestamp()) - interval '1 millisecond'
         where name = $1`,
        [name],
      );
    },
    async close() {
      await database.close();
      await server.close();
    },
  };
}
