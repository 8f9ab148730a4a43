/** A file of what is personal: there whole or not at all, readable by its owner only, also when another was there before. */
import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { CliError, exitCode } from './exit-codes.ts';

/** Throws `CliError`; `then` says what is to be done when it cannot be written. */
export async function writeWhole(path: string, text: string, then = ''): Promise<void> {
  const part = `${path}.${randomBytes(4).toString('hex')}.part`;
  try {
    await writeFile(part, text, { mode: 0o600, flag: 'wx' });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    const { code = (error as Error).message } = error as { code?: string };
    throw new CliError(exitCode.failed, `${path} cannot be written (${code})${then}`, { cause: error });
  }
}
