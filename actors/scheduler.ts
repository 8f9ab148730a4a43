/**
 * `work/scheduler`: looks once a second for schedules that are due. Every node has one; the rows decide who fires
 * (engine.md, "Schedules"). A database that is down or a pool without a free session is waited out, and shows as a schedule
 * that is late; anything else that goes wrong is this actor's crash. Every half minute it also compares the node's clock with
 * the database's.
 */

import { PoolBusyError } from '../src/database/session.ts';
import type { ClockWatch } from '../src/node/clock-offset.ts';
import type { WorkingDatabase } from '../src/node/resources.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type SchedulerMessage = { readonly type: 'look' };

interface SchedulerState {
  readonly looks: number;
  readonly fired: number;
  /** Of the last reading. Positive: this node is ahead of the database. */
  readonly clockOffsetMs: number | null;
}

export interface SchedulerServices {
  /** Fires what is due; resolves to the number of slots fired. */
  readonly fireDue: () => Promise<number>;
  readonly clock: ClockWatch;
  /** The clock is read at the first look at a database that is up, and then at every so many. */
  readonly looksPerClock: number;
  readonly availability: WorkingDatabase;
  readonly intervalMs: number;
}

export function scheduler(services: SchedulerServices): ActorSpec<SchedulerMessage, SchedulerState> {
  return actor<SchedulerMessage, SchedulerState>({
    id: 'scheduler',
    init(context) {
      context.self.send({ type: 'look' });
      return { looks: 0, fired: 0, clockOffsetMs: null };
    },
    async receive(state, _message, context) {
      let fired = 0;
      let { clockOffsetMs } = state;
      if (services.availability.isUp()) {
        try {
          fired = await services.fireDue();
          if (clockOffsetMs === null || state.looks % services.looksPerClock === 0) {
            clockOffsetMs = (await services.clock.check())?.offsetMs ?? clockOffsetMs;
          }
        } catch (error) {
          // a busy pool is neither the database's trouble nor this actor's: the next look tries again
          if (!(error instanceof PoolBusyError) && !services.availability.report(error)) throw error;
        }
      }
      context.after(services.intervalMs, { type: 'look' });
      return { looks: state.looks + 1, fired: state.fired + fired, clockOffsetMs };
    },
    parse(control) {
      if (control === 'look') return { type: 'look' };
      throw new Error(`the scheduler knows the control message "look", not ${JSON.stringify(control)}`);
    },
    describe: (state) => ({ ...state }),
  });
}
