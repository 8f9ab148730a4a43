/**
 * The command line. Knows every command by name and options; the code of a command is loaded when it is called, so
 * `--help` and a typing error cost nothing but this file and commander. Exit codes: exit-codes.ts.
 */
import { Command, CommanderError } from 'commander';
import { maskText } from '../log/mask.ts';
import type { CliIo } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { failedStart } from './failed-start.ts';
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
    // the service's words are also for machines, and only a wrong configuration is for a person to mend
    if (args[0] === 'start' && !forAPerson(error)) return failedStart(error, io);
    const { message, exit } = lastWords(error, io.env);
    io.stderr.write(`linekeeper: ${message}\n`);
    return exit;
  }
}

function forAPerson(error: unknown): boolean {
  if (error instanceof CliError) return true;
  if (!(error instanceof Error) || !configurationErrors.has(error.name)) return false;
  // a file that is not there, or not yet, has not been read completely
  return !('unread' in error && error.unread === true);
}

const configurationErrors = new Set(['ConfigError', 'SecretError', 'StateDirectoryError']);

/** Configuration and document errors come from parts that are only loaded when needed, so they are known by name. */
function lastWords(error: unknown, env: CliIo['env']): { message: string; exit: number } {
  if (!(error instanceof Error)) return { message: String(error), exit: exitCode.failed };
  const message = maskText(error.message);
  if (error instanceof CliError) return { message, exit: error.exitCode };
  if (configurationErrors.has(error.name)) return { message, exit: exitCode.configuration };
  if (error.name === 'InputError' || error.name === 'InvalidDocumentError') return { message, exit: exitCode.failed };
  const details = env.LINEKEEPER_LOG_LEVEL === 'debug' ? error.stack : error.message;
  return { message: `unforeseen: ${maskText(details ?? message)}`, exit: exitCode.failed };
}
