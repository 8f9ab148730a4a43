/**
 * `infrastructure/compute`: owns the worker threads. A thread that dies is the pool's business and fails its own task; only
 * when the pool itself fails is it opened anew here. Who computes holds a `ComputeHolder`, which stays the same.
 */
import type { ComputePool } from '../src/compute/pool.ts';
import { actor } from '../supervisors/actor.ts';
import type { ActorSpec } from '../supervisors/types.ts';

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

export type ComputeMessage = { readonly type: 'nothing' };

export function compute(open: () => ComputePool, holder: ComputeHolder): ActorSpec<ComputeMessage, ComputePool> {
  return actor<ComputeMessage, ComputePool>({
    id: 'compute',
    init() {
      const pool = open();
      holder.use(pool);
      return pool;
    },
    receive: (pool) => pool,
    async terminate(pool) {
      holder.use(null);
      await pool.close();
    },
    describe: (pool) => ({ ...pool.status() }),
    options: { stopDeadlineMs: 10_000 },
  });
}
