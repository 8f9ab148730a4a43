/**
 * Errors on their way out of a thread. Structured clone keeps only name, message and stack of an Error; a caller also needs
 * `code` (`ENOSPC` is a state, not a crash), so they travel as plain data.
 */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly cause: PlainError | undefined;
}

export function plainError(error: unknown, depth = 0): PlainError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: undefined, code: undefined, cause: undefined };
  }
  const code = (error as NodeJS.ErrnoException).code;
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    code: typeof code === 'string' ? code : undefined,
    cause: error.cause === undefined || depth > 4 ? undefined : plainError(error.cause, depth + 1),
  };
}

export function revivedError(plain: PlainError): Error {
  const error = new Error(plain.message, plain.cause ? { cause: revivedError(plain.cause) } : undefined);
  error.name = plain.name;
  if (plain.stack !== undefined) error.stack = plain.stack;
  return plain.code === undefined ? error : Object.assign(error, { code: plain.code });
}
