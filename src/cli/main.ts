/**
 * The entry. It imports nothing but Node's own modules, so that whatever cannot be loaded after it is reported and not
 * just printed: for `start` one JSON line on standard output, one plain line on standard error, and exit code 70.
 */
import { setTimeout as delay } from 'node:timers/promises';

const args = process.argv.slice(2);
const isStart = args[0] === 'start';

/** Last words when there is no logger, because the logger may be what is missing. Never throws. */
function report(error: unknown): void {
  const { name = 'Error', message = String(error), stack, code } = (error ?? {}) as NodeJS.ErrnoException;
  const line = { level: 'fatal', time: new Date().toISOString(), pid: process.pid, error: { type: name, code, stack } };
  try {
    if (isStart) console.log(JSON.stringify({ ...line, message: `the service did not start: ${message}` }));
    console.error(`linekeeper: ${isStart ? 'the service did not start' : 'unforeseen'}: ${message.split('\n')[0]}`);
  } catch {
    // nobody listens any more
  }
}

function thrown(error: unknown): void {
  report(error);
  process.exit(isStart ? 70 : 1);
}

/** The service listens too as soon as it runs, and ends in order; before that, and for other commands, this is the end. */
function unlessTaken(event: 'uncaughtException' | 'unhandledRejection'): void {
  process.on(event, (error) => {
    if (process.listenerCount(event) === 1) thrown(error);
  });
}

// whoever reads has read enough, as `head` does: end as if told to
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.kill(process.pid, 'SIGTERM');
  });
}
unlessTaken('uncaughtException');
unlessTaken('unhandledRejection');
try {
  const { main } = await import('./command-line.ts');
  process.exitCode = await main(args, {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    nowMs: () => performance.now(),
    sleep: (delayMs) => delay(delayMs),
    onStopSignal(told) {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of signals) process.on(signal, told);
      return () => {
        for (const signal of signals) process.off(signal, told);
      };
    },
  });
} catch (error) {
  thrown(error);
}
// a socket that something left behind must not keep a process that has ended its work
setTimeout(() => process.exit(), 3_000).unref();
