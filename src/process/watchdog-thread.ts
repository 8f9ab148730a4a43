/**
 * The thread that watches the main one; see `loop-watchdog.ts`. It writes its lines to standard output itself, in the
 * shape of the log: a thread's own console goes through the main thread, which is what does not move.
 */
import { writeSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';
import { readBoots, withLast, writeBoots } from './boot-record.ts';
import { mainThreadStack } from './main-thread-stack.ts';

export interface WatchdogData {
  /** One number, which the main loop moves at least twice in `intervalMs`. */
  readonly turns: Int32Array;
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly bootFile: string;
}

/** And a quarter of the deadline, so that it is known before the end. */
const stackWithinMs = 2_000;

function watch({ turns, intervalMs, deadlineMs, bootFile }: WatchdogData): void {
  let seen = Atomics.load(turns, 0);
  let stillMs = 0;
  let lookedMs = performance.now();
  let reported = false;
  let stack = 'its stack is not known';

  function look(): void {
    const nowMs = performance.now();
    // a look that comes late counts as one in time: this thread stood still too
    stillMs += Math.min(nowMs - lookedMs, intervalMs * 1.5);
    lookedMs = nowMs;
    const now = Atomics.load(turns, 0);
    if (now !== seen) {
      if (reported) say('warn', `the event loop turns again after ${Math.round(stillMs)} ms`);
      seen = now;
      stillMs = 0;
      reported = false;
      return;
    }
    if (!reported && stillMs >= deadlineMs / 2) {
      reported = true;
      void report(stillMs);
    }
    if (stillMs >= deadlineMs) end();
  }

  async function report(forMs: number): Promise<void> {
    stack = await mainThreadStack(Math.min(stackWithinMs, deadlineMs / 4)).catch(
      (error: Error) => `its stack is not known: ${error.message}`,
    );
    say('error', `the event loop has been blocked for ${Math.round(forMs)} ms`, { stack });
  }

  function end(): void {
    // the innermost frame may be of Node itself, such as a getter that the loop calls
    const frames = stack.split('\n');
    const where = frames.find((frame) => !frame.includes('(node:')) ?? frames[0];
    const why = `the event loop was blocked for ${Math.round(stillMs)} ms ${where}`;
    try {
      const file = readBoots(bootFile, () => {});
      if (file.boots.at(-1)?.pid === process.pid) {
        const change = { endedAt: new Date().toISOString(), end: 'blocked loop', why } as const;
        writeBoots(bootFile, { ...file, boots: withLast(file.boots, change) });
      }
      say('fatal', `${why}; the process is ended`);
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  }

  setInterval(look, intervalMs);
}

function say(level: 'warn' | 'error' | 'fatal', message: string, fields: Record<string, unknown> = {}): void {
  try {
    writeSync(1, `${JSON.stringify({ level, time: new Date().toISOString(), watchdog: true, ...fields, message })}\n`);
  } catch {
    // a pipe that is full or closed must not keep the watchdog from its work
  }
}

if (!isMainThread) watch(workerData as WatchdogData);
