/**
 * `guardians/watchdog`: speaks to the service manager. READY once the tree and the admin socket stand, also without a
 * database; WATCHDOG only when this loop turned and work is proven (src/release/work-proof.ts); STATUS when it changes.
 * Whoever blocks the loop, stops the prober or keeps this node's own row from committing starves it, and systemd then ends
 * the process. A database that takes no writes is alerted here, and waited out. It goes on without a manager, for its state in the tree and the log line when proof is missing.
 */
import type { Alerts } from '../src/alerts/alerts.ts';
import type { EngineStatus } from '../src/chains/engine.ts';
import type { Availability } from '../src/database/availability.ts';
import type { ServiceManager } from '../src/release/notify.ts';
import { judge, type Verdict } from '../src/release/work-proof.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorContext, ActorSpec } from '../supervisors/types.ts';

export type WatchdogMessage =
  | { readonly type: 'look' }
  | { readonly type: 'stands' }
  | { readonly type: 'counted'; readonly open: number | null };

export interface WatchdogState {
  /** Whether the tree stands, and whether the manager knows. */
  stands: boolean;
  told: boolean;
  /** Since when the database works without a break; monotonic. */
  workingSinceMs: number | null;
  openChains: number | null;
  countedMs: number;
  fed: number;
  verdict: Verdict | null;
  /** Whether its alert is open; null when an earlier process may have left it so. */
  refused: boolean | null;
}

export interface WatchdogServices {
  readonly manager: ServiceManager;
  /** Resolves when the whole tree, the admin socket included, stands. */
  readonly started: Promise<unknown>;
  readonly availability: Pick<Availability, 'state' | 'lastProbeMs'>;
  readonly isPrepared: () => boolean;
  readonly engine: () => EngineStatus | null;
  /** Null when it cannot be told now. Never rejects. */
  readonly countOpen: () => Promise<number | null>;
  readonly alerts: Pick<Alerts, 'raise' | 'resolve'>;
  readonly log: { warn(fields: Record<string, unknown>, message: string): void };
  /** The clock of `availability`. */
  readonly nowMs: () => number;
  readonly wallClock: () => Date;
}

const slowestLookMs = 5_000;
const countEveryMs = 30_000;
const refusal = { rule: 'database.refuses-writes', subject: 'database' };

export function watchdog(services: WatchdogServices): ActorSpec<WatchdogMessage, WatchdogState> {
  const { manager } = services;
  // four looks in an interval: one that comes late costs nothing
  const lookMs = Math.min(slowestLookMs, (manager.watchdogMs ?? Number.POSITIVE_INFINITY) / 4);
  return actor<WatchdogMessage, WatchdogState>({
    id: 'watchdog',
    init(context) {
      context.self.send({ type: 'look' });
      void services.started.then(() => context.self.send({ type: 'stands' }));
      return {
        stands: false,
        told: false,
        workingSinceMs: null,
        openChains: null,
        countedMs: Number.NEGATIVE_INFINITY,
        fed: 0,
        verdict: null,
        refused: null,
      };
    },
    receive(state, message, context) {
      switch (message.type) {
        case 'stands':
          state.stands = true;
          tell(services, state);
          return state;
        case 'counted':
          state.openChains = message.open;
          return state;
        case 'look':
          context.after(lookMs, { type: 'look' });
          look(services, state, context);
          tell(services, state);
          return state;
      }
    },
    describe: ({ fed, verdict }) => ({ fed, status: verdict?.status ?? 'has not looked yet' }),
  });
}

function look(services: WatchdogServices, state: WatchdogState, context: ActorContext<WatchdogMessage>): void {
  const { availability, isPrepared, log, manager } = services;
  const nowMs = services.nowMs();
  const database = availability.state();
  const working = database.kind === 'up' && isPrepared();
  if (!working) state.workingSinceMs = null;
  else state.workingSinceMs ??= nowMs;
  if (working && nowMs - state.countedMs >= countEveryMs) {
    state.countedMs = nowMs;
    context.spawn(async () => void context.self.send({ type: 'counted', open: await services.countOpen() }));
  }
  const probedMs = availability.lastProbeMs();
  const before = state.verdict;
  state.verdict = judge(
    {
      database,
      isPrepared: isPrepared(),
      probedMsAgo: probedMs === null ? null : nowMs - probedMs,
      workingForMs: state.workingSinceMs === null ? null : nowMs - state.workingSinceMs,
      engine: services.engine(),
      openChains: state.openChains,
      downSince:
        database.kind === 'down' ? new Date(services.wallClock().getTime() - (nowMs - database.sinceMs)) : null,
    },
    manager.watchdogMs,
  );
  tellRefusal(services, state, state.verdict);
  if (!state.verdict.proven) {
    if (before?.proven !== false)
      log.warn({ status: state.verdict.status }, 'work is not proven; the watchdog starves');
    return;
  }
  manager.feed();
  state.fed += 1;
}

/** Resolved by a proof; the first one takes back what an earlier process left open. */
function tellRefusal({ alerts, engine }: WatchdogServices, state: WatchdogState, verdict: Verdict): void {
  if (verdict.refused !== undefined) {
    if (state.refused) return;
    state.refused = true;
    const message = `the database answers and takes no writes: ${verdict.refused}; all work waits and goes on by itself once it does`;
    alerts.raise({ ...refusal, level: 'critical', message });
  } else if (verdict.proven && state.workingSinceMs !== null && engine()?.refused === null && state.refused !== false) {
    state.refused = false;
    alerts.resolve(refusal.rule, refusal.subject);
  }
}

function tell({ manager }: WatchdogServices, state: WatchdogState): void {
  const status = state.verdict?.status ?? 'starting';
  if (state.stands && !state.told) state.told = manager.ready(status);
  else if (state.told) manager.status(status);
}
