/**
 * `infrastructure/compute`: owns the worker threads. A thread that dies is the pool's business and fails its own task; only
 * when the pool itself fails is it opened anew here. Who computes holds a `ComputeHolder`, which stays the same.
 */
import type { ComputeHolder } from '../src/compute/holder.ts';
import type { ComputePool } from '../src/compute/pool.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

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
