/**
 * The command line. Knows every command by name and options; the code of a command is loaded when it is called, so
 * `--help` and a typing error cost nothing but this file and commander. Exit codes: exit-codes.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import { maskText } from '../log/mask.ts';
import type { CliIo } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { buildProgram } from './program.ts';

/** Runs one command line (without node and script) and resolves to the exit code. Never throws. */
export async function main(args: readonly string[], io: CliIo): Promise<number> {
  let code: number = exitCode.ok;
  const program = buildProgram(new Command(), io, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args as string[], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const { message, exit } = lastWords(error, io.env);
    io.stderr.write(`linekeeper: ${message}\n`);
    return exit;
  }
}

/** Configuration and document errors come from parts that are only loaded when needed, so they are known by name. */
function lastWords(error: unknown, env: CliIo['env']): { message: string; exit: number } {
  if (!(error instanceof Error)) return { message: String(error), exit: exitCode.failed };
  const message = maskText(error.message);
  if (error instanceof CliError) return { message, exit: error.exitCode };
  if (error.name === 'ConfigError' || error.name === 'SecretError' || error.name === 'StateDirectoryError') {
    return { message, exit: exitCode.configuration };
  }
  if (error.name === 'InputError' || error.name === 'InvalidDocumentError') return { message, exit: exitCode.failed };
  const details = env.LINEKEEPER_LOG_LEVEL === 'debug' ? error.stack : error.message;
  return { message: `unforeseen: ${maskText(details ?? message)}`, exit: exitCode.failed };
}

if (import.meta.main) {
  // whoever reads has read enough, as `head` does: end as if told to
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.kill(process.pid, 'SIGTERM');
    });
  }
  process.exitCode = await main(process.argv.slice(2), {
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
  // a socket that something left behind must not keep a process that has ended its work
  setTimeout(() => process.exit(), 3_000).unref();
}
