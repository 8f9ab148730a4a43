/** Chains that are bad on purpose: completions that cannot be committed, and poison for the process that runs them. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { chain, type Json, type Outcome, type StepContext, succeeded } from '../../src/chains/define.ts';
import type { AnyDefinition } from '../../src/chains/registry.ts';
import { openThreadPool, type ThreadPool } from '../../src/compute/open-pool.ts';

const kindInput = z.object({ kind: z.string() });
type Kind = z.infer<typeof kindInput>;

/** How a chain of that kind ends; a person then looks at it. */
export const badKinds = ['nul', 'surrogate', 'oversized', 'unserialisable', 'nonsense', 'throws', 'refused'] as const;

async function badOutcome({ input }: StepContext<Kind>): Promise<Outcome> {
  switch (input.kind) {
    case 'nul':
      return succeeded({ output: 'a\0b' });
    case 'surrogate':
      return succeeded({ output: '\ud800' });
    case 'oversized':
      return succeeded({ output: 'x'.repeat(300 * 1_024) });
    case 'unserialisable':
      return succeeded({ output: 1n as unknown as Json });
    case 'nonsense':
      return 'done' as unknown as Outcome;
    case 'throws':
      return succeeded({
        commit: async () => {
          throw new Error('the callback does not want to');
        },
      });
    default:
      return succeeded({ commit: async (tx) => void (await tx.query('select 1 / 0')) });
  }
}

const once = { retry: { tries: 1 } };
export const bad = chain('bad', kindInput).step('only', badOutcome, once);
export const badShared = chain('bad-shared', kindInput).step('only', badOutcome, { ...once, shared: true });

export const poisonKinds = { exit: 'quarantined', loop: 'quarantined', stray: 'dead', thread: 'dead' } as const;
export type PoisonKind = keyof typeof poisonKinds;

let threads: ThreadPool<{ task: 'out-of-memory' }> | null = null;

export const poison = chain('poison', kindInput).step(
  'only',
  async ({ input, signal }) => {
    switch (input.kind as PoisonKind) {
      case 'exit':
        return process.exit(3);
      case 'loop':
        for (;;);
      case 'stray':
        void Promise.reject(new Error('nobody awaits this'));
        await delay(10_000, undefined, { signal });
        return succeeded();
      case 'thread':
        threads ??= openThreadPool({
          threads: 1,
          maxOldGenerationMb: 32,
          worker: new URL('../compute/poison-worker.ts', import.meta.url),
        });
        await threads.run({ task: 'out-of-memory' }, { signal });
        return succeeded();
    }
  },
  once,
);

export const troubleChains: readonly AnyDefinition[] = [bad, badShared, poison];
