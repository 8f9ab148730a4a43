/**
 * `infrastructure/database`: a database that is down is a state, not an error (design.md section 3). This actor watches the
 * state: it prepares the schema once the database is up for the first time, alerts when it has been away for 30 s (or half
 * of `giveUpMs`), and gives up after `giveUpMs`, but only when this process has seen it up before: one that has just begun
 * would not do better by beginning again, so an outage costs one exit, however long it is. After a move to another host,
 * which may lack the last commits, the schema is prepared again. What it finds wrong with the database itself (too old, behind a pooler, a schema that is too new) no
 * restart mends: that is handed to `onUnsuitable`.
 */
import type { Alerts } from '../src/alerts/alerts.ts';
import type { Availability, AvailabilityState } from '../src/database/availability.ts';
import type { HostsView } from '../src/database/hosts/hosts.ts';
import { DatabaseDownError, isConnectionError, PoolBusyError } from '../src/database/session.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorContext, ActorSpec } from '../supervisors/types.ts';

export type DatabaseMessage = { readonly type: 'look' | 'prepare' | 'maintain' | 'moved' };

interface DatabaseState {
  prepared: boolean;
  readonly unsubscribe: () => void;
}

export interface DatabaseServices {
  readonly availability: Availability;
  /** Brings the schema to this release and makes what must be there; safe to run again. */
  readonly prepare: () => Promise<void>;
  /** What must be done again and again while the node lives, such as the log's partitions of the days to come. */
  readonly maintain: () => Promise<void>;
  readonly maintainEveryMs: number;
  readonly onPrepared: () => void;
  /** Tells of the moment in which the database became another host. */
  readonly onMoved: (listener: () => void) => () => void;
  /** What is known of the hosts; null while there are none. */
  readonly hosts: () => HostsView | null;
  /** True when the error says that this database cannot be worked with, whatever is tried. */
  readonly isUnsuitable: (error: unknown) => boolean;
  readonly onUnsuitable: (error: Error) => void;
  readonly onGiveUp: (error: Error) => void;
  readonly alerts: Alerts;
  readonly giveUpMs: number;
  readonly nowMs: () => number;
}

const lookEveryMs = 1_000;
const longestAlertAfterMs = 30_000;
const rule = 'database.down';
const subject = 'database';

export function database(services: DatabaseServices): ActorSpec<DatabaseMessage, DatabaseState> {
  /** Survives a restart of the actor. */
  let wasUp = false;
  return actor<DatabaseMessage, DatabaseState>({
    id: 'database',
    init(context) {
      const unsubscribe = services.availability.subscribe((state) => {
        if (state.kind === 'up') wasUp = true;
        onChange(services, context, state);
      });
      if (services.availability.state().kind === 'up') wasUp = true;
      const forget = services.onMoved(() => context.self.send({ type: 'moved' }));
      context.self.send({ type: 'prepare' });
      context.self.send({ type: 'look' });
      context.after(services.maintainEveryMs, { type: 'maintain' });
      return {
        prepared: false,
        unsubscribe() {
          unsubscribe();
          forget();
        },
      };
    },
    async receive(state, message, context) {
      switch (message.type) {
        case 'look':
          look(services, wasUp);
          context.after(lookEveryMs, { type: 'look' });
          return state;
        case 'prepare':
          if (!state.prepared && services.availability.state().kind === 'up') {
            state.prepared = await prepare(services);
          }
          return state;
        case 'moved':
          state.prepared = false;
          context.self.send({ type: 'prepare' });
          return state;
        case 'maintain':
          if (state.prepared) await maintain(services);
          context.after(services.maintainEveryMs, { type: 'maintain' });
          return state;
      }
    },
    terminate: (state) => state.unsubscribe(),
    describe: (state) => ({
      state: services.availability.state().kind,
      prepared: state.prepared,
      ...describeHosts(services.hosts()),
    }),
    // a migration may take its time; the one message that runs it must be allowed to
    options: { messageDeadlineMs: 15 * 60_000 },
  });
}

function onChange(services: DatabaseServices, context: ActorContext<DatabaseMessage>, state: AvailabilityState): void {
  if (state.kind !== 'up') return;
  services.alerts.resolve(rule, subject);
  context.self.send({ type: 'prepare' });
}

function look(services: DatabaseServices, wasUp: boolean): void {
  const { availability, alerts, giveUpMs, nowMs, onGiveUp } = services;
  const state = availability.state();
  if (state.kind !== 'down') return;
  // the hosts themselves are not this installation's: no wait changes that
  if (services.isUnsuitable(state.error)) {
    services.onUnsuitable(state.error);
    return;
  }
  const awayMs = nowMs() - state.sinceMs;
  if (wasUp && awayMs >= giveUpMs) {
    onGiveUp(new Error(`the database has been away for ${Math.round(awayMs / 1000)} s`, { cause: state.error }));
  } else if (awayMs >= Math.min(longestAlertAfterMs, giveUpMs / 2)) {
    const message = 'the database cannot be reached; all work waits for it and goes on by itself when it is back';
    alerts.raise({ rule, subject, level: 'critical', message, detail: { error: state.error.message } });
  }
}

function describeHosts(view: HostsView | null): Record<string, unknown> {
  if (!view) return {};
  const { current, hosts } = view;
  return {
    host: current?.name ?? 'none yet',
    ...(current?.timeline == null ? {} : { timeline: current.timeline }),
    ...(hosts.length > 1 ? { hosts: Object.fromEntries(hosts.map(({ name, verdict }) => [name, verdict])) } : {}),
  };
}

async function maintain({ availability, maintain: work }: DatabaseServices): Promise<void> {
  if (availability.state().kind !== 'up') return;
  try {
    await work();
  } catch (error) {
    if (!availability.report(error) && !(error instanceof PoolBusyError)) throw error;
  }
}

async function prepare(services: DatabaseServices): Promise<boolean> {
  const away = Promise.withResolvers<never>();
  away.promise.catch(() => {});
  const unsubscribe = services.availability.subscribe((state) => {
    if (state.kind === 'down') away.reject(new DatabaseDownError('the database went away', { cause: state.error }));
  });
  let moved = false;
  const forget = services.onMoved(() => {
    moved = true;
    away.reject(new DatabaseDownError('the database moved to another host'));
  });
  try {
    // a migration's own connection may be one that never answers any more
    await Promise.race([services.prepare(), away.promise]);
  } catch (error) {
    if (isConnectionError(error)) {
      services.availability.report(error);
      return false;
    }
    if (!services.isUnsuitable(error)) throw error;
    services.onUnsuitable(error as Error);
    return false;
  } finally {
    unsubscribe();
    forget();
  }
  // what was prepared may be a host that was left: the message about that is waiting
  if (moved) return false;
  services.onPrepared();
  return true;
}
