/**
 * `work/chains/engine`: owns the chain engine of this node, with its lanes, lease, recovery and sweep. What the engine did
 * not foresee is this actor's crash: its successor runs under a new boot id and frees what the old one held. A step's own
 * crash is a row and never arrives here.
 */
import type { Engine } from '../src/chains/engine.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type EngineMessage = { readonly type: 'wake' } | { readonly type: 'crashed'; readonly error: Error };

/** The engine of the moment; null while it is being restarted. */
export interface EngineHolder {
  current: Engine | null;
}

export interface EngineServices {
  readonly create: () => Engine;
  readonly holder: EngineHolder;
  /** How long running steps may take to end at a stop before they are aborted and released. */
  readonly drainMs: () => number;
}

/** Beyond any drain. */
const longestStopMs = 15_000;

export function engine(services: EngineServices): ActorSpec<EngineMessage, Engine> {
  return actor<EngineMessage, Engine>({
    id: 'engine',
    init(context) {
      const created = services.create();
      created.start();
      services.holder.current = created;
      // not a spawned task: a stop would wait for that before it comes to `terminate`, which is what ends the engine
      created.ended.catch((error: Error) => context.self.send({ type: 'crashed', error }));
      return created;
    },
    receive(created, message) {
      switch (message.type) {
        case 'crashed':
          throw message.error;
        case 'wake':
          created.wake();
          return created;
      }
    },
    async terminate(created) {
      services.holder.current = null;
      await created.stop(services.drainMs());
    },
    parse(control) {
      if (control === 'wake') return { type: 'wake' };
      throw new Error(`the engine knows the control message "wake", not ${JSON.stringify(control)}`);
    },
    describe: (created) => ({ ...created.status() }),
    options: { stopDeadlineMs: longestStopMs, backoff: { baseMs: 200, capMs: 10_000 } },
  });
}
