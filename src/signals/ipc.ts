/**
 * Signals between the processes of one primary: what a node publishes reaches its own listeners as in-process, and through
 * the primary those of every other node. Without the primary the other nodes find the chains by their sweep.
 */
import { inProcessSignals } from './in-process.ts';
import type { Signals } from './signals.ts';

/** A way to the other processes; `send` neither throws nor waits. */
export interface SignalLink {
  send(chainIds: readonly string[]): void;
  onReceive(listener: (chainIds: readonly string[]) => void): void;
}

export function ipcSignals(link: SignalLink, onError: (error: unknown) => void): Signals {
  const here = inProcessSignals(onError);
  let unsent: string[] = [];
  // what comes from others is for the listeners here, and goes nowhere else
  link.onReceive((chainIds) => here.publish(...chainIds));
  const flush = () => {
    const chainIds = unsent;
    unsent = [];
    link.send(chainIds);
  };
  return {
    publish(...chainIds) {
      if (chainIds.length === 0) return;
      here.publish(...chainIds);
      if (unsent.length === 0) setImmediate(flush);
      unsent.push(...chainIds);
    },
    subscribe: here.subscribe,
  };
}
