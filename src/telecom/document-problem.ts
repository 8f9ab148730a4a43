/**
 * What is wrong in a JSON document that a person wrote: where, what stands there, and the way out. All problems of a
 * document are found before it is refused, and nothing of a refused document is used.
 */
import { closest } from 'fastest-levenshtein';
import * as z from 'zod';

export interface DocumentProblem {
  /** JSON path such as `versions[0].rules[2].steps[0].price`; empty for the whole document. */
  readonly path: string;
  /** The value found there, as short JSON text; `(missing)` when there is none. */
  readonly value: string;
  readonly message: string;
}

/** More in one message help nobody. */
const shownProblems = 100;

/** A document was refused. `problems` are in document order of discovery and never empty. */
export class InvalidDocumentError extends Error {
  override readonly name = 'InvalidDocumentError';
  readonly problems: readonly DocumentProblem[];

  constructor(what: string, problems: readonly DocumentProblem[]) {
    const more = problems.length > shownProblems ? [`… and ${problems.length - shownProblems} more`] : [];
    const shown = problems.slice(0, shownProblems).map(problemLine);
    super([`${what} has ${problems.length} problem(s):`, ...shown, ...more].join('\n  '));
    this.problems = problems;
  }
}

export type JsonPath = readonly PropertyKey[];

/** A problem at a path of `document`; the value is looked up there. */
export function problemAt(document: unknown, path: JsonPath, message: string): DocumentProblem {
  let value = document;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return { path: pathText(path), value: shortJson(value), message };
}

/** The problems that a schema finds; a union's or record's own issues come with their path. */
export function schemaProblems(document: unknown, schema: z.ZodType): DocumentProblem[] {
  const parsed = schema.safeParse(document);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => problemAt(document, [...issue.path, key], unknownKey(key, issue.message)))
      : [problemAt(document, issue.path, issue.message)],
  );
}

/** The schema tells its known keys as a list; only here each unknown one is seen by itself. */
function unknownKey(key: string, known: string): string {
  return `unknown key; the nearest known is "${closest(key, known.split(', '))}" (all: ${known})`;
}

/** An object with exactly these keys; an unknown one is refused and the nearest known one named. */
export function closedObject<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      return issue.code === 'unrecognized_keys' ? known.join(', ') : 'must be an object';
    },
  });
}

function problemLine(problem: DocumentProblem): string {
  return `${problem.path === '' ? '(document)' : problem.path}: ${problem.value} ${problem.message}`;
}

function pathText(path: JsonPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) return '(missing)';
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
