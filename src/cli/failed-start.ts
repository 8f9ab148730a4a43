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
  io.stderr.write(`linekeeper: ${words.split('\n')[0]}\n`);
  return exitCode.gaveUp;
}
