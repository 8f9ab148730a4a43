/**
 * `guardians/retention`: carries chains that have ended out of the way of those that run, and removes what is past its
 * retention. Every node has one; they pass over what another holds. One batch a message, then a pause at least as long as the
 * batch took, so that it never takes more than half of a session; a full batch is followed by the next one, otherwise it
 * looks again after a while. A database that is down, or a pool without a free session, is waited out: what stays longer than it should is
 * only slower to list.
 */
import type { Mover } from '../src/chains/history.ts';
import { PoolBusyError } from '../src/database/session.ts';
import type { WorkingDatabase } from '../src/node/resources.ts';
import type { Removed } from '../src/node/retention.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type RetentionMessage = { readonly type: 'carry' } | { readonly type: 'remove' };

interface RetentionState {
  readonly carried: number;
  readonly removedRows: number;
  readonly droppedPartitions: number;
  /** What takes the next message of each kind back: one that a person sends must not begin a second row of them. */
  readonly next: Record<RetentionMessage['type'], () => void>;
}

export interface RetentionServices {
  /** Carries one batch of ended chains into history. */
  readonly carry: Mover['carry'];
  /** Removes one round of what is too old. */
  readonly remove: () => Promise<Removed>;
  readonly availability: WorkingDatabase;
  readonly carryEveryMs: number;
  readonly removeEveryMs: number;
  readonly nowMs: () => number;
  readonly log: {
    info(fields: Record<string, unknown>, message: string): void;
    warn(fields: Record<string, unknown>, message: string): void;
  };
}

const shortestPauseMs = 20;

export function retention(services: RetentionServices): ActorSpec<RetentionMessage, RetentionState> {
  const { availability, nowMs } = services;

  /** How long until the next one: soon after a full batch, and no sooner than this one took; not long when it could not be. */
  async function round(work: () => Promise<boolean>, everyMs: number): Promise<number> {
    if (!availability.isUp()) return services.carryEveryMs;
    const beganMs = nowMs();
    try {
      return (await work()) ? Math.max(shortestPauseMs, nowMs() - beganMs) : everyMs;
    } catch (error) {
      if (!(error instanceof PoolBusyError) && !availability.report(error)) throw error;
      return services.carryEveryMs;
    }
  }

  return actor<RetentionMessage, RetentionState>({
    id: 'retention',
    init(context) {
      context.self.send({ type: 'carry' });
      context.self.send({ type: 'remove' });
      return { carried: 0, removedRows: 0, droppedPartitions: 0, next: { carry: () => {}, remove: () => {} } };
    },
    async receive(state, message, context) {
      let { carried, removedRows, droppedPartitions } = state;
      const { next } = state;
      next[message.type]();
      if (message.type === 'carry') {
        const nextMs = await round(async () => {
          const batch = await services.carry();
          carried += batch.carried;
          return batch.more;
        }, services.carryEveryMs);
        next.carry = context.after(nextMs, message);
      } else {
        const nextMs = await round(async () => {
          const { partitions, busy, rows, more } = await services.remove();
          droppedPartitions += partitions.length;
          removedRows += Object.values(rows).reduce((sum, count) => sum + count, 0);
          if (partitions.length > 0) services.log.info({ partitions }, 'dropped partitions past their retention');
          if (busy.length > 0) services.log.warn({ tables: busy }, 'too busy to drop partitions; tried again');
          return more;
        }, services.removeEveryMs);
        next.remove = context.after(nextMs, message);
      }
      return { carried, removedRows, droppedPartitions, next };
    },
    parse(control) {
      if (control === 'carry' || control === 'remove') return { type: control };
      throw new Error(
        `the retention actor knows the control messages "carry" and "remove", not ${JSON.stringify(control)}`,
      );
    },
    describe: ({ carried, removedRows, droppedPartitions }) => ({ carried, removedRows, droppedPartitions }),
  });
}
