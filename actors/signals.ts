/**
 * `infrastructure/signals`, with `redis.url` only: Redis that is away is a state, not an error. This actor says whose prefix
 * it has to be as soon as the database can tell, alerts when Redis has been away for 30 s, and never ends the process: work
 * is found by the sweep. A prefix that belongs to another application is for a person: found by the first look after a start
 * it goes to `onUnsuitable` (exit 78), found later it is an alert, and no hint leaves the process while that is so.
 */
import type { Alerts } from '../src/alerts/alerts.ts';
import { PoolBusyError } from '../src/database/session.ts';
import type { WorkingDatabase } from '../src/node/resources.ts';
import { type Application, PrefixOwnedError } from '../src/signals/prefix-owner.ts';
import type { RedisSignals, SignalsState } from '../src/signals/redis.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type SignalsMessage = { readonly type: 'look' };

interface SignalsActorState {
  begun: boolean;
  readonly unsubscribe: () => void;
}

export interface SignalsServices {
  readonly signals: Pick<RedisSignals, 'start' | 'state' | 'onState' | 'status'>;
  readonly availability: Pick<WorkingDatabase, 'isUp' | 'report'>;
  /** Who this is, from the database. */
  readonly application: () => Promise<Application>;
  readonly onUnsuitable: (error: Error) => void;
  readonly alerts: Alerts;
  readonly nowMs: () => number;
}

const lookEveryMs = 1_000;
const beginEveryMs = 100;
const alertAfterMs = 30_000;
const awayRule = 'signals.down';
const ownerRule = 'signals.prefix-owned';
const subject = 'redis';

export function signals(services: SignalsServices): ActorSpec<SignalsMessage, SignalsActorState> {
  /** Survives a restart of the actor. */
  let reached = false;
  const onState = (state: SignalsState) => {
    if (state.kind === 'up') {
      reached = true;
      services.alerts.resolve(awayRule, subject);
      services.alerts.resolve(ownerRule, subject);
    }
    if (state.kind === 'down' && state.error instanceof PrefixOwnedError) {
      if (!reached && state.failures === 1) services.onUnsuitable(state.error);
      else raiseOwned(services, state.error);
    }
  };
  return actor<SignalsMessage, SignalsActorState>({
    id: 'signals',
    init(context) {
      context.self.send({ type: 'look' });
      return { begun: false, unsubscribe: services.signals.onState(onState) };
    },
    async receive(state, _message, context) {
      if (!state.begun && services.availability.isUp()) state.begun = await begin(services);
      look(services);
      context.after(state.begun ? lookEveryMs : beginEveryMs, { type: 'look' });
      return state;
    },
    terminate: (state) => state.unsubscribe(),
    describe: () => ({ state: services.signals.state().kind, ...services.signals.status() }),
  });
}

async function begin({ signals: redis, application, availability }: SignalsServices): Promise<boolean> {
  try {
    redis.start(await application());
    return true;
  } catch (error) {
    if (!availability.report(error) && !(error instanceof PoolBusyError)) throw error;
    return false;
  }
}

function look({ signals: redis, alerts, nowMs }: SignalsServices): void {
  const state = redis.state();
  if (state.kind !== 'down' || state.error instanceof PrefixOwnedError) return;
  if (nowMs() - state.sinceMs < alertAfterMs) return;
  const message =
    'Redis cannot be worked with; nodes find work of others by their sweep only, and by hints again when it is back';
  alerts.raise({ rule: awayRule, subject, level: 'warning', message, detail: { error: state.error.message } });
}

function raiseOwned({ alerts }: SignalsServices, error: PrefixOwnedError): void {
  alerts.raise({ rule: ownerRule, subject, level: 'critical', message: error.message });
}
