/** Makes the state directory and proves that it can be worked in, or says in one line why not and what to do. */
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export class StateDirectoryError extends Error {
  override readonly name = 'StateDirectoryError';
}

/** Throws `StateDirectoryError`. A directory that it makes is enterable for the database's user, and readable for none. */
export function prepareStateDirectory(directory: string): void {
  const way = 'set stateDirectory (LINEKEEPER_STATE_DIRECTORY) to a directory that this user can write to';
  try {
    make(directory);
    if (!statSync(directory).isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    const probe = join(directory, `.probe.${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new StateDirectoryError(`the state directory ${directory} ${wordsFor(code)}: ${way}`, { cause });
  }
}

/** mkdirSync's own `recursive` loops for ever where mkdir says ENOENT below a parent that exists, as /proc does. */
function make(directory: string): void {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  if (!existsSync(parent)) make(parent);
  try {
    mkdirSync(directory);
    chmodSync(directory, 0o711);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function wordsFor(code: string | undefined): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `is not open to uid ${process.getuid?.()} (${code})`;
    case 'EROFS':
      return 'is on a read-only file system (EROFS)';
    case 'ENOSPC':
    case 'EDQUOT':
      return `is on a full disk (${code})`;
    case 'EEXIST':
    case 'ENOTDIR':
      return `is not a directory, or a part of its path is a file (${code})`;
    default:
      return `cannot be used (${code})`;
  }
}
