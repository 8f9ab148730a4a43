/**
 * `guardians/watchdog` of the primary: law 6 for the whole cluster. A node that is ready, does not end, and has not proved
 * work for `proofMs` is killed; its supervisor starts it again. So what systemd hears, that this loop turned and every node
 * that is ready has proved its work, is true whenever it is said.
 */
import type { NodeProcess } from '../src/cluster/node-process.ts';
import type { ServiceManager } from '../src/release/notify.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type ProcessWatchdogMessage = { readonly type: 'look' } | { readonly type: 'stands' };

export interface ProcessWatchdogServices {
  readonly manager: ServiceManager;
  readonly started: Promise<unknown>;
  readonly processes: () => readonly (NodeProcess | null)[];
  /** Null: nodes are not asked for proof. */
  readonly proofMs: number | null;
  /** An ordered end may take this long before it is a hang. */
  readonly stopMs: number;
  readonly log: { error(fields: Record<string, unknown>, message: string): void };
  readonly nowMs: () => number;
}

interface WatchdogState {
  stands: boolean;
  told: boolean;
  fed: number;
  readonly stoppingSinceMs: Map<NodeProcess, number>;
}

export function processWatchdog(services: ProcessWatchdogServices): ActorSpec<ProcessWatchdogMessage, WatchdogState> {
  const { manager, nowMs, proofMs } = services;
  const lookMs = Math.min(1_000, (manager.watchdogMs ?? Number.POSITIVE_INFINITY) / 4, (proofMs ?? 4_000) / 4);
  return actor<ProcessWatchdogMessage, WatchdogState>({
    id: 'watchdog',
    init(context) {
      context.self.send({ type: 'look' });
      void services.started.then(() => context.self.send({ type: 'stands' }));
      return { stands: false, told: false, fed: 0, stoppingSinceMs: new Map() };
    },
    receive(state, message, context) {
      if (message.type === 'stands') state.stands = true;
      else context.after(lookMs, { type: 'look' });
      for (const process of services.processes()) if (process) look(services, state, process, nowMs());
      manager.feed();
      state.fed += 1;
      const status = statusOf(services.processes());
      if (state.stands && !state.told) state.told = manager.ready(status);
      else if (state.told) manager.status(status);
      return state;
    },
    describe: ({ fed }) => ({ fed, status: statusOf(services.processes()) }),
  });
}

function look(
  { proofMs, stopMs, log }: ProcessWatchdogServices,
  { stoppingSinceMs }: WatchdogState,
  process: NodeProcess,
  nowMs: number,
): void {
  const { index, pid } = process;
  if (process.isStopping()) {
    const sinceMs = stoppingSinceMs.get(process) ?? nowMs;
    stoppingSinceMs.set(process, sinceMs);
    void process.ended.then(() => stoppingSinceMs.delete(process));
    if (nowMs - sinceMs < stopMs) return;
    log.error({ index, pid }, 'a node process does not end; it is killed');
    process.kill(`its ordered end took longer than ${stopMs} ms`);
    return;
  }
  if (proofMs === null || nowMs - process.provenMs() < proofMs) return;
  log.error({ index, pid, proofMs }, 'a node process has proved no work; it is killed');
  process.kill(`it proved no work for ${Math.round(proofMs / 1_000)} s and was killed`);
}

function statusOf(processes: readonly (NodeProcess | null)[]): string {
  const ready = processes.filter((process) => process && !process.isStopping());
  const words = ready.map((process) => `${process!.index} ${process!.status()}`).join('; ');
  return `${ready.length} of ${processes.length} node processes ready${words === '' ? '' : `: ${words}`}`;
}
