/** A pool worker whose rater ends its thread at a usage of 666, and throws at one of 667. */
import { threadEntry } from '../../src/compute/worker-entry.ts';
import type { KernelArgs } from '../../src/kernel/messages.ts';
import { batchRater } from '../../src/kernel/rating/batch-rater.ts';
import { runKernelTask } from '../../src/kernel/run-kernel-task.ts';

export const [deadly, throwing] = [666, 667];

export default threadEntry((args: KernelArgs, control) =>
  runKernelTask(args, control, (file) => {
    const { rate, reasonOf } = batchRater(file);
    return {
      reasonOf,
      rate(batch, bytes) {
        const usage = batch.usage.subarray(0, batch.rows);
        if (usage.includes(deadly)) process.exit(1);
        if (usage.includes(throwing)) throw new TypeError('nobody foresaw 31612345678');
        rate(batch, bytes);
      },
    };
  }),
);
