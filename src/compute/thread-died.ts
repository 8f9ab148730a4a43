/**
 * The thread ended under its task: process.exit, out of memory, a result that cannot be cloned, or an endless loop that was
 * ended. Only that task is rejected; the pool has a new thread already.
 */
export class ThreadDiedError extends Error {
  override readonly name = 'ThreadDiedError';
  /** The task's own name, such as `decode`. */
  readonly task: string;

  constructor(task: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`the compute thread died during ${task} (${reason}); other tasks go on`, { cause });
    this.task = task;
  }
}

/** The pool was closed before the task could run or end. */
export class ComputePoolClosedError extends Error {
  override readonly name = 'ComputePoolClosedError';

  constructor(task: string) {
    super(`the compute pool is closed; ${task} was not finished`);
  }
}
