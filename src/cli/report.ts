/**
 * `linekeeper report usage`: to standard output, or with `--out` to a file that is there whole or not at all: it is written beside
 * its place and moved there when all of it has come.
 */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';

export interface ReportUsageOptions extends ServiceOptions {
  readonly customer: string;
  readonly cycle: string;
  readonly by?: string;
  readonly format?: string;
  readonly out?: string;
  readonly numbers?: boolean;
}

export async function reportUsage(io: CliIo, options: ReportUsageOptions): Promise<number> {
  const { customer, cycle, by, out, numbers, json } = options;
  // to standard output --json asks for JSON and nothing else, as everywhere
  const format = options.format ?? (json && out === undefined ? 'json' : 'csv');
  const client = await openClient(io, options);
  const fetch = (target: Writable) =>
    client.download('/reports/usage', { customer, cycle, by, format, numbers }, target);
  if (out === undefined) {
    await fetch(io.stdout);
    return exitCode.ok;
  }
  const bytes = await whole(resolve(io.cwd, out), fetch);
  if (json) printJson(io, { out, format, bytes });
  else printLine(io, `${out}: ${bytes} bytes of ${format}`);
  return exitCode.ok;
}

async function whole(path: string, fetch: (target: Writable) => Promise<number>): Promise<number> {
  const part = `${path}.${randomBytes(4).toString('hex')}.part`;
  const file = createWriteStream(part, { mode: 0o600, flags: 'wx' });
  const failed = new Promise<never>((_settle, reject) => file.once('error', reject));
  failed.catch(() => {});
  try {
    const bytes = await Promise.race([fetch(file), failed]);
    const closed = new Promise<void>((settle) => void file.end(settle));
    await Promise.race([closed, failed]);
    await rename(part, path);
    return bytes;
  } catch (error) {
    file.destroy();
    await rm(part, { force: true });
    if (error instanceof CliError) throw error;
    const { code } = error as { code?: string };
    throw new CliError(exitCode.failed, `${path} cannot be written (${code ?? (error as Error).message})`, {
      cause: error,
    });
  }
}
