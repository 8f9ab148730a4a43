/**
 * `guardians/recycler`: ends the node in order, to be started anew, when it has carried enough chains, lived long enough or
 * holds too much memory. Each limit is off unless it is set. Work is drained; nothing burns an attempt.
 */
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type RecyclerMessage = { readonly type: 'look' };

export interface RecycleLimits {
  readonly afterChains?: number | undefined;
  readonly afterMs?: number | undefined;
  readonly aboveMemoryMb?: number | undefined;
}

export interface RecyclerServices {
  readonly limits: RecycleLimits;
  /** Chains that this process has taken into a lane. */
  readonly chains: () => number;
  /** Of this process, in milliseconds. */
  readonly uptimeMs: () => number;
  readonly memoryMb: () => number;
  readonly onRecycle: (why: string) => void;
  readonly intervalMs: number;
}

interface RecyclerState {
  /** Looks in a row that found too much memory: one alone may be a moment's. */
  readonly heavy: number;
  readonly asked: boolean;
}

const heavyLooks = 3;

export function recycler(services: RecyclerServices): ActorSpec<RecyclerMessage, RecyclerState> {
  const { limits } = services;
  const { afterChains = Infinity, afterMs = Infinity, aboveMemoryMb = Infinity } = limits;
  return actor<RecyclerMessage, RecyclerState>({
    id: 'recycler',
    init(context) {
      context.self.send({ type: 'look' });
      return { heavy: 0, asked: false };
    },
    receive(state, _message, context) {
      if (state.asked) return state;
      const [chains, uptimeMs, memoryMb] = [services.chains(), services.uptimeMs(), services.memoryMb()];
      const heavy = memoryMb > aboveMemoryMb ? state.heavy + 1 : 0;
      const why =
        chains >= afterChains
          ? `it has carried ${chains} chains (recycle.afterChains ${afterChains})`
          : uptimeMs >= afterMs
            ? `it has lived for ${Math.round(uptimeMs / 1000)} s (recycle.afterMs ${afterMs})`
            : heavy >= heavyLooks
              ? `it holds ${Math.round(memoryMb)} MB (recycle.aboveMemoryMb ${aboveMemoryMb})`
              : null;
      if (why !== null) services.onRecycle(`recycled: ${why}`);
      else context.after(services.intervalMs, { type: 'look' });
      return { heavy, asked: why !== null };
    },
    describe: () => ({
      ...limits,
      chains: services.chains(),
      uptimeMs: Math.round(services.uptimeMs()),
      memoryMb: Math.round(services.memoryMb()),
    }),
  });
}
