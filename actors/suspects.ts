/**
 * `work/chains/suspects`: when chains wait that were running when their process died, starts a node process that runs nothing
 * else, and ends it when none are left. That it dies is expected: its chain is quarantined, and it is started anew for the
 * next one. That it cannot be started is alerted and tried again; this node goes on either way.
 */
import type { Alerts } from '../src/alerts/alerts.ts';
import type { Suspects } from '../src/chains/suspects.ts';
import type { NodeEnd, NodeProcess } from '../src/cluster/node-process.ts';
import { isConnectionError } from '../src/database/session.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type SuspectsMessage =
  | { readonly type: 'look' }
  | { readonly type: 'ended'; readonly process: NodeProcess; readonly end: NodeEnd };

export interface SuspectsServices {
  /** Null while the database is away. */
  readonly look: () => Promise<Suspects | null>;
  readonly start: (signal: AbortSignal) => Promise<NodeProcess>;
  /** Its process has ended although nobody told it to. */
  readonly declareEnded: (pid: number) => Promise<void>;
  readonly alerts: Pick<Alerts, 'raise' | 'resolve'>;
  readonly node: () => string;
  readonly log: { warn(fields: Record<string, unknown>, message: string): void };
  readonly intervalMs: number;
  readonly nowMs: () => number;
}

interface SuspectsState {
  process: NodeProcess | null;
  /** Since when there was nothing to do. */
  idleSinceMs: number | null;
  /** Not before. */
  startAtMs: number;
}

const idleMs = 3_000;
const retryMs = 30_000;
const startMs = 60_000;
const stopMs = 12_000;
const rule = 'chain.suspects';

export function suspects(services: SuspectsServices): ActorSpec<SuspectsMessage, SuspectsState> {
  const { alerts, log, nowMs, intervalMs } = services;

  async function begin(
    state: SuspectsState,
    context: { signal: AbortSignal; self: { send(message: SuspectsMessage): unknown } },
  ): Promise<void> {
    try {
      const process = await services.start(context.signal);
      void process.ended.then((end) => context.self.send({ type: 'ended', process, end }));
      state.process = process;
      alerts.resolve(rule, services.node());
    } catch (error) {
      if (context.signal.aborted) throw error;
      state.startAtMs = nowMs() + retryMs;
      const message = `the process for suspect chains could not be started: ${(error as Error).message}; they wait, and it is tried again every ${retryMs / 1_000} s`;
      log.warn({ err: error }, message);
      alerts.raise({ rule, subject: services.node(), level: 'critical', message, detail: {} });
    }
  }

  async function look(
    state: SuspectsState,
    context: { signal: AbortSignal; self: { send(message: SuspectsMessage): unknown } },
  ): Promise<void> {
    const seen = await services.look().catch((error: unknown) => {
      if (isConnectionError(error)) return null;
      throw error;
    });
    if (!seen) return;
    if (seen.any) state.idleSinceMs = null;
    else state.idleSinceMs ??= nowMs();
    if (!state.process && seen.any && !seen.served && nowMs() >= state.startAtMs) await begin(state, context);
    const idle = state.idleSinceMs !== null && nowMs() - state.idleSinceMs >= idleMs;
    if (state.process && idle && !state.process.isStopping()) {
      await state.process.stop({ code: 0, why: 'no suspects are left' }, stopMs);
    }
  }

  return actor<SuspectsMessage, SuspectsState>({
    id: 'suspects',
    init(context) {
      context.self.send({ type: 'look' });
      return { process: null, idleSinceMs: null, startAtMs: 0 };
    },
    async receive(state, message, context) {
      switch (message.type) {
        case 'look':
          await look(state, context);
          context.after(intervalMs, { type: 'look' });
          return state;
        case 'ended':
          if (message.process !== state.process) return state;
          state.process = null;
          if (!message.end.wanted) {
            log.warn({ pid: message.process.pid, why: message.end.why }, 'the process for suspect chains ended');
            // while the database is away its lease tells as much, later
            await services.declareEnded(message.process.pid).catch((error: unknown) => {
              if (!isConnectionError(error)) throw error;
            });
          }
          return state;
      }
    },
    async terminate({ process }) {
      await process?.stop({ code: 0, why: 'the node stops' }, stopMs);
    },
    describe: ({ process }) => ({ pid: process?.pid ?? null, status: process?.status() ?? null }),
    options: { stopDeadlineMs: stopMs + 2_000, messageDeadlineMs: startMs + stopMs },
  });
}
