/**
 * `guardians/alert-rules`: has the alert rules look at totals that were swapped, within seconds, and by the clock at what no
 * swap tells. Every node has one; they pass over what another is at. A database that is down, or a pool without a free session,
 * is waited out: what is due are rows.
 */
import type { LookResult } from '../src/alert-rules/evaluate.ts';
import type { Holding, Settled } from '../src/alert-rules/holding.ts';
import { PoolBusyError } from '../src/database/session.ts';
import type { WorkingDatabase } from '../src/node/resources.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type AlertRulesMessage = { readonly type: 'swaps' } | { readonly type: 'clock' };

interface AlertRulesState {
  readonly cycles: number;
  readonly raised: number;
  readonly resolved: number;
  /** What takes the next message of each kind back: one that a person sends must not begin a second row of them. */
  readonly next: Record<AlertRulesMessage['type'], () => void>;
}

export interface AlertRulesServices {
  /** Looks at one cycle. */
  readonly lookAtSwaps: (signal: AbortSignal) => Promise<LookResult>;
  /** Null when another node is at it. */
  readonly lookByClock: (signal: AbortSignal) => Promise<Settled | null>;
  readonly availability: WorkingDatabase;
  readonly swapsEveryMs: number;
  readonly clockEveryMs: number;
  readonly log: { info(fields: Record<string, unknown>, message: string): void };
}

const soonMs = 20;

/** One cycle of a large contract takes seconds, and longer on a machine that is busy. */
const messageDeadlineMs = 600_000;

export function alertRules(services: AlertRulesServices): ActorSpec<AlertRulesMessage, AlertRulesState> {
  const { availability, log } = services;

  /** Null when the database would not have it now. */
  async function patiently<T>(work: () => Promise<T>): Promise<T | null> {
    if (!availability.isUp()) return null;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PoolBusyError) && !availability.report(error)) throw error;
      return null;
    }
  }

  function tell(raised: readonly Holding[]): void {
    for (const { type, subject, period, level, message } of raised) {
      log.info({ alert: type, subject: `${subject} ${period} ${level}` }, message);
    }
  }

  return actor<AlertRulesMessage, AlertRulesState>({
    id: 'alert-rules',
    init(context) {
      context.self.send({ type: 'swaps' });
      context.self.send({ type: 'clock' });
      return { cycles: 0, raised: 0, resolved: 0, next: { swaps: () => {}, clock: () => {} } };
    },
    async receive(state, message, context) {
      let { cycles, raised, resolved } = state;
      const { next } = state;
      next[message.type]();
      if (message.type === 'swaps') {
        const look = await patiently(() => services.lookAtSwaps(context.signal));
        cycles += look?.cycles ?? 0;
        raised += look?.raised.length ?? 0;
        resolved += look?.resolved ?? 0;
        tell(look?.raised ?? []);
        next.swaps = context.after(look?.more ? soonMs : services.swapsEveryMs, message);
      } else {
        const look = await patiently(() => services.lookByClock(context.signal));
        raised += look?.raised.length ?? 0;
        resolved += look?.resolved ?? 0;
        tell(look?.raised ?? []);
        // until the database is there the first look has not been
        next.clock = context.after(availability.isUp() ? services.clockEveryMs : services.swapsEveryMs, message);
      }
      return { cycles, raised, resolved, next };
    },
    parse(control) {
      if (control === 'swaps' || control === 'clock') return { type: control };
      throw new Error(
        `the alert-rules actor knows the control messages "swaps" and "clock", not ${JSON.stringify(control)}`,
      );
    },
    describe: ({ cycles, raised, resolved }) => ({ cycles, raised, resolved }),
    // what it looks at may be broken for a while; the work goes on without it meanwhile
    options: { backoff: { baseMs: 2_000, capMs: 30_000 }, messageDeadlineMs },
  });
}
