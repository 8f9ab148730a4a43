/**
 * Why a whole file is kept out: messages that name file, line, field (with its place) and value. A value that is or may hold a
 * phone number is masked by whoever gives it.
 */
import type { FileProblem } from '../../compute/tasks/file-problem.ts';

/** The whole file is refused; nothing of it may be used. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  readonly problem: FileProblem;

  constructor(problem: FileProblem, options?: ErrorOptions) {
    super(problem.message, options);
    this.problem = problem;
  }
}

export interface RefusedPlace {
  readonly line: number;
  /** Its name, and where it stands: `54-67`, a column or a path. */
  readonly field: { readonly name: string; readonly where: string };
  readonly value: string;
}

/** `what` follows the file's name: `is truncated`, or the place with its value. */
export function refused(name: string, code: string, what: string, place?: RefusedPlace, cause?: unknown): FileRefused {
  const where = place ? `, line ${place.line}, ${place.field.name} (${place.field.where})` : '';
  const value = place ? ` "${place.value}"` : '';
  return new FileRefused(
    {
      code,
      line: place?.line ?? null,
      field: place?.field.name ?? null,
      value: place?.value ?? null,
      message: `${name}${where}:${value} ${what}`,
    },
    cause === undefined ? undefined : { cause },
  );
}
