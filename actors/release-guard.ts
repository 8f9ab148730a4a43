/**
 * `guardians/release-guard`: looks every two seconds whether the release that runs is still the one that is wanted, and still
 * there (src/release/guard.ts). What it finds ends the node, or is one alert that is resolved when it is over. A look that
 * fails is logged once and tried again.
 */
import type { Alerts } from '../src/alerts/alerts.ts';
import type { GuardEvents, ReleaseGuard } from '../src/release/guard.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type ReleaseGuardMessage = { readonly type: 'look' };

export interface ReleaseGuardServices {
  readonly open: (events: GuardEvents) => ReleaseGuard;
  /** Ends the node so that it is started anew, on another release. */
  readonly onMoved: (why: string) => void;
  /** Ends the node: this release is no more, and no other can be started. */
  readonly onDeleted: (error: Error) => void;
  readonly alerts: Pick<Alerts, 'raise' | 'resolve'>;
  /** Whose alert it is: nodes of one database share them. */
  readonly node: () => string;
  readonly log: { warn(fields: Record<string, unknown>, message: string): void };
  readonly intervalMs: number;
}

export class ReleaseDeletedError extends Error {
  override readonly name = 'ReleaseDeletedError';
}

interface ReleaseGuardState {
  readonly guard: ReleaseGuard;
}

export function releaseGuard(services: ReleaseGuardServices): ActorSpec<ReleaseGuardMessage, ReleaseGuardState> {
  const { alerts, log, node } = services;
  const refused = 'release.refused';
  const gone = 'release.deleted';
  let failed = false;
  const events: GuardEvents = {
    onMoved: (directory) => services.onMoved(`moving to the release ${directory}`),
    onDeleted(why) {
      alerts.raise({ rule: gone, subject: node(), level: 'critical', message: why });
      services.onDeleted(new ReleaseDeletedError(why));
    },
    onTrouble(why) {
      log.warn({ why }, 'the release that is wanted cannot be started');
      alerts.raise({ rule: refused, subject: node(), level: 'critical', message: why });
    },
    onWell() {
      alerts.resolve(refused, node());
      alerts.resolve(gone, node());
    },
  };
  return actor<ReleaseGuardMessage, ReleaseGuardState>({
    id: 'release-guard',
    init(context) {
      context.self.send({ type: 'look' });
      return { guard: services.open(events) };
    },
    receive(state, _message, context) {
      // not awaited by the handler: a release is checked for longer than a message may take
      context.spawn(async () => {
        try {
          await state.guard.look(context.signal);
          failed = false;
        } catch (error) {
          if (!failed) log.warn({ error }, 'the release directories cannot be looked at; it is tried again');
          failed = true;
        }
        if (!context.signal.aborted) context.after(services.intervalMs, { type: 'look' });
      });
      return state;
    },
    describe: ({ guard }) => ({ release: guard.describe() }),
  });
}
