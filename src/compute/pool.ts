/** Contract of the compute pool; see `openComputePool`. */
import type { TaskArgs, TaskResults, TaskTiming } from './tasks/messages.ts';

export interface ComputePool {
  /**
   * Runs one task on a thread of its own. Rejects with `ThreadDiedError` when the thread ended under it (out of memory,
   * process.exit), with the signal's reason when aborted, else with what the task threw. While it waits for a thread it
   * reports progress of 0 of 0.
   */
  run<A extends TaskArgs>(
    args: A,
    options: { signal: AbortSignal; onProgress?: (done: number, total: number) => void },
  ): Promise<{ result: TaskResults[A['task']]; timing: TaskTiming }>;
  status(): { threads: number; queued: number; running: number; completed: number; died: number };
  close(): Promise<void>;
}
