/**
 * A latch that ends a wait early. A wake that comes while nobody waits is kept for the next wait, so none is lost between
 * a look at the rows and the wait that follows it. Every wait has a time: nobody waits on an event alone (law 1).
 */
export interface Wake {
  wake(): void;
  /** Resolves at a wake, after `timeoutMs`, or when the signal aborts, whichever is first. Never rejects. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

export function createWake(): Wake {
  let woken = false;
  let release: (() => void) | null = null;
  return {
    wake() {
      woken = true;
      release?.();
    },
    async wait(timeoutMs, signal) {
      if (!woken && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            release = null;
            resolve();
          };
          const timer = setTimeout(done, timeoutMs);
          signal.addEventListener('abort', done, { once: true });
          release = done;
        });
      }
      woken = false;
    },
  };
}

/** Resolves after `delayMs` or at the abort. Never rejects. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await createWake().wait(delayMs, signal);
}
