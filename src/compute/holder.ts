/**
 * What the service computes with: it stays the same while the pool behind it is opened anew. While there is none, `run`
 * rejects, and the step that asked is tried again by its policy.
 */
import type { ComputePool } from './pool.ts';

export interface ComputeHolder extends ComputePool {
  use(pool: ComputePool | null): void;
}

/** The pool of the moment, or a clear error while there is none. */
export function computeHolder(): ComputeHolder {
  let current: ComputePool | null = null;
  const pool = () => {
    if (!current) throw new Error('the compute pool is being restarted; the step is tried again');
    return current;
  };
  return {
    use(next) {
      current = next;
    },
    run: async (args, options) => pool().run(args, options),
    status: () => current?.status() ?? { threads: 0, queued: 0, running: 0, completed: 0, died: 0 },
    close: async () => {},
  };
}
