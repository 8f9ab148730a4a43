/**
 * When a compute thread is to be replaced by a new one: after so many tasks, so long, or when a task left so much heap in use
 * behind it. Looked at between tasks only, so that no task is cut short and an idle thread costs nothing. Threads that began
 * together do not end together: each has its own share, 75 to 100 %, of the longest age.
 */
export interface WearLimits {
  readonly tasks: number;
  readonly ageMs: number;
  readonly heapMb: number;
}

export interface Wear {
  /** True when the thread is worn. `heapMb`: in use in the thread when the task had ended. */
  afterTask(heapMb: number, nowMs: number): boolean;
}

/** `random` in [0, 1). */
export function unworn(limits: WearLimits, random: number, startedMs: number): Wear {
  const ageMs = limits.ageMs * (0.75 + 0.25 * random);
  let tasks = 0;
  return {
    afterTask(heapMb, nowMs) {
      tasks += 1;
      return tasks >= limits.tasks || nowMs - startedMs >= ageMs || heapMb >= limits.heapMb;
    },
  };
}
