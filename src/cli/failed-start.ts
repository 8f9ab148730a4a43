/**
 * A start that failed, told twice: one JSON line for machines where the log goes, and one plain line for a person. Exit
 * code 70: whatever it is, the process supervisor tries again.
 */
import { maskText } from '../log/mask.ts';
import type { CliIo } from './context.ts';
import { exitCode } from './exit-codes.ts';

export function failedStart(error: unknown, io: Pick<CliIo, 'stdout' | 'stderr'>): number {
  const { name = 'Error', message = String(error), stack, code } = (error ?? {}) as NodeJS.ErrnoException;
  const words = `the service did not start: ${maskText(message)}`;
  const line = {
    level: 'fatal',
    time: new Date().toISOString(),
    pid: process.pid,
    code: exitCode.gaveUp,
    error: { type: name, code, stack: stack === undefined ? undefined : maskText(stack) },
    message: words,
  };
  io.stdout.write(`${JSON.stringify(line)}\n`);
  // the problems of a configuration are lines of their own; of what Node says of a module the beginning is enough
  const begin = words.split('\n', 5).map((part) => part.replace(/^\s*(- )?/, ''));
  io.stderr.write(`linekeeper: ${begin.join(' ')}\n`);
  return exitCode.gaveUp;
}
