/** Tasks of a pass side by side on pool threads: when one fails the others are stopped, and it rejects when all have ended. */
import type { ComputePool } from '../compute/pool.ts';
import type { KernelArgs, KernelResults } from './messages.ts';

/** How tasks get onto threads: the compute pool of a node, or one of a bench. */
export type RunKernelTask = <A extends KernelArgs>(args: A, options: RunOptions) => Promise<KernelResults[A['task']]>;

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export function onPool(pool: Pick<ComputePool, 'run'>): RunKernelTask {
  return async (args, options) => (await pool.run(args, options)).result;
}

/** Rejects with what failed first. */
export async function sideBySide<A extends KernelArgs>(
  { run, signal, onProgress }: RunOptions & { readonly run: RunKernelTask },
  tasks: readonly A[],
): Promise<KernelResults[A['task']][]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let first: { readonly error: unknown } | null = null;
  const runs = tasks.map(async (args) => {
    try {
      return await run(args, { signal: either, ...(onProgress ? { onProgress } : {}) });
    } catch (error) {
      first ??= { error };
      failed.abort(error);
      throw error;
    }
  });
  const settled = await Promise.allSettled(runs);
  if (first !== null) throw (first as { readonly error: unknown }).error;
  return settled.map((each) => (each as PromiseFulfilledResult<KernelResults[A['task']]>).value);
}
