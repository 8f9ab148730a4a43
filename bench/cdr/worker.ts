/** Pool worker of the bench: the product's own kernel tasks. */
import { threadEntry } from '../../src/compute/worker-entry.ts';
import { runKernelTask } from '../../src/kernel/run-kernel-task.ts';

export default threadEntry(runKernelTask);
