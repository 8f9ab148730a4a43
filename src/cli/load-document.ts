/** Commands that give the service a whole document of tariffs, zones, customers or alert rules: all of it is stored, or nothing. */
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';
import { readDocument } from './read-document.ts';

export async function loadDocument(
  io: CliIo,
  route: '/tariffs' | '/zones' | '/customers' | '/alert-rules',
  file: string,
  options: ServiceOptions,
): Promise<number> {
  const document = readDocument(io, file);
  const client = await openClient(io, options);
  let stored: Readonly<Record<string, unknown>>;
  try {
    stored = await client.post(route, document);
  } catch (error) {
    if (error instanceof CliError && error.exitCode === exitCode.failed) {
      throw new CliError(exitCode.failed, `${file}: ${error.message}`, { cause: error });
    }
    throw error;
  }
  if (options.json) {
    printJson(io, stored);
    return exitCode.ok;
  }
  const words = Object.entries(stored).map(
    ([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  );
  printLine(io, `${file}: ${words.join(', ')}`);
  return exitCode.ok;
}
