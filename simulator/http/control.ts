/**
 * `/_sim/...`: what a test or a person does with the running simulator. Answers are JSON; a wrong request gets 400 with a
 * sentence. `stats` tells the calls of every endpoint, so that a test proves that a provider was not stormed.
 */
import { type CallFaults, type FaultMenu, parseCallFaults } from './call-faults.ts';
import { json } from './reply.ts';
import type { Call, CallCounts, Endpoint } from './server.ts';

export interface Controls {
  faults: CallFaults;
  menu: FaultMenu;
  counts: Map<string, CallCounts>;
  /** Moves the clock that the providers go by. */
  advance(seconds: number): void;
  /** What a provider can be told: `deliver`, `redeliver`, `correct`. Throws an Error that says what would be right. */
  orders: Readonly<Record<string, (order: Readonly<Record<string, unknown>>) => unknown>>;
  /** What every total must be now. */
  truth(): unknown;
}

export function controlEndpoints(controls: Controls): Endpoint[] {
  const { faults, counts } = controls;
  const state = () => ({ pending: faults.pending(), met: faults.met() });
  const get = (name: string, answer: () => unknown) => control('GET', name, answer);
  return [
    get('stats', () => ({ endpoints: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))) })),
    control('DELETE', 'stats', () => {
      counts.clear();
      return {};
    }),
    get('faults', state),
    control('POST', 'faults', (body) => {
      faults.add(parseCallFaults(body, controls.menu));
      return state();
    }),
    control('DELETE', 'faults', () => {
      faults.clear();
      return state();
    }),
    get('truth', () => controls.truth()),
    control('POST', 'advance-clock', (body) => {
      const { seconds } = body as { seconds?: unknown };
      if (!Number.isSafeInteger(seconds) || (seconds as number) < 0) throw new Error('"seconds" is no whole number');
      controls.advance(seconds as number);
      return {};
    }),
    ...Object.entries(controls.orders).map(([name, obey]) =>
      control('POST', name, (body) => obey(body as Readonly<Record<string, unknown>>)),
    ),
  ];
}

function control(method: string, name: string, act: (body: unknown) => unknown): Endpoint {
  return {
    at: null,
    method,
    path: new RegExp(`^/_sim/${name}$`),
    answer({ body }: Call) {
      try {
        const given: unknown = method === 'POST' ? JSON.parse(body === '' ? '{}' : body) : null;
        if (method === 'POST' && (typeof given !== 'object' || given === null))
          throw new Error('the body is no object');
        return json(200, act(given));
      } catch (error) {
        return json(400, { error: (error as Error).message });
      }
    },
  };
}
