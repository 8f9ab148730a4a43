/** Why a process ends, and what outside the tree ends it: signals, and errors that nobody caught. */

export interface ProcessEnd {
  readonly code: 0 | 70 | 75 | 78;
  readonly why: string;
  readonly error?: Error;
  /** It has an open alert already, or is somebody else's to alert. */
  readonly alerted?: boolean;
  /** How long running steps may take to end; default 10 s. */
  readonly drainMs?: number;
}

export function thrownEnd(error: unknown): ProcessEnd {
  const cause = error instanceof Error ? error : new Error(String(error));
  return { code: 70, why: `an error that nobody caught: ${cause.message}`, error: cause };
}

/**
 * The first of `signals` asks for an ordered stop, a second one ends at once; what nobody caught ends with 70. Signals that
 * `ignored` names are for the process above, which tells us itself. Returns the way back.
 */
export function watchProcess(
  finish: (end: ProcessEnd) => void,
  rejected: (reason: unknown) => void,
  ignored: readonly NodeJS.Signals[] = [],
): () => void {
  let asked = false;
  const stop = (signal: NodeJS.Signals) => {
    if (ignored.includes(signal)) return;
    if (asked) process.exit(70);
    asked = true;
    finish({ code: 0, why: `${signal} was received` });
  };
  const uncaught = (error: unknown) => finish(thrownEnd(error));
  const signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', ...ignored];
  for (const signal of new Set(signals)) process.on(signal, stop);
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', rejected);
  return () => {
    for (const signal of new Set(signals)) process.off(signal, stop);
    process.off('uncaughtException', uncaught);
    process.off('unhandledRejection', rejected);
  };
}
