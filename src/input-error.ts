/**
 * Something a person handed in is wrong: a document, a flag's value, a name that is not known. Its message names the
 * thing, the value and the way out, and is shown as it is; it is nobody's crash.
 */
import type { z } from 'zod';

export class InputError extends Error {
  override readonly name = 'InputError';
  readonly problems: readonly string[];

  constructor(message: string, problems: readonly string[] = [], options?: ErrorOptions) {
    super(
      problems.length > 0 ? `${message}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}` : message,
      options,
    );
    this.problems = problems;
  }

  /** All problems of a document at once, each with its path. */
  static fromZod(what: string, error: z.ZodError): InputError {
    const problems = error.issues.map(
      (issue) => `${issue.path.length > 0 ? issue.path.join('.') : 'document'}: ${issue.message}`,
    );
    return new InputError(`${what} is refused`, problems, { cause: error });
  }
}
