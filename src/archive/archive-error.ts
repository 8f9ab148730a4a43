/** What can be wrong with the archive. `disk-full` and `no-permission` are states to wait out, the others need a person. */
export type ArchiveTrouble = 'disk-full' | 'no-permission' | 'unavailable' | 'wrong-archive' | 'missing' | 'corrupt';

export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code: ArchiveTrouble;

  constructor(code: ArchiveTrouble, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Turns an error of the archive's own file system into one that says what to do; others are answered as they are. */
export function archiveTrouble(directory: string, error: unknown): unknown {
  if (error instanceof ArchiveError) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ArchiveError(
        'disk-full',
        `the archive ${directory} has no space left: free some, the work goes on`,
        error,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ArchiveError(
        'no-permission',
        `the archive ${directory} cannot be written: give this user read, write and search permission there`,
        error,
      );
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EIO':
    case 'ESTALE':
      return new ArchiveError(
        'unavailable',
        `the archive ${directory} is not there as it should be: is it mounted?`,
        error,
      );
    default:
      return error;
  }
}
