/**
 * Signals within one process. Publishes of one turn reach every listener as one call, in the next microtask, so that a
 * publisher never runs a listener's code. A throwing listener is reported and does not keep the hint from the others.
 */
import type { Signals } from './signals.ts';

type Listener = (chainIds: readonly string[]) => void;

export function inProcessSignals(onError: (error: unknown) => void): Signals {
  const listeners = new Set<Listener>();
  let pending: string[] = [];

  function deliver(): void {
    const chainIds = pending;
    pending = [];
    for (const listener of [...listeners]) {
      try {
        listener(chainIds);
      } catch (error) {
        onError(error);
      }
    }
  }

  return {
    publish(...chainIds) {
      if (chainIds.length === 0) return;
      if (pending.length === 0) queueMicrotask(deliver);
      pending.push(...chainIds);
    },
    subscribe(listener) {
      // a wrapper of its own: the same function may subscribe twice and end each subscription by itself
      const own: Listener = (chainIds) => listener(chainIds);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
