/**
 * The document that tells a preview which column of a CSV file means what (docs/preview.md). Everything that is wrong in it is
 * told at once.
 */
import { z } from 'zod';
import { type UsageLayout, usageFields } from '../kernel/usage-layout.ts';
import { usageCategories } from '../telecom/category.ts';
import {
  closedObject,
  type DocumentProblem,
  InvalidDocumentError,
  problemAt,
  schemaProblems,
} from '../telecom/document-problem.ts';

/** Amounts that a provider states itself have no price in a tariff, and may be negative. */
export const previewKinds = ['voice', 'sms', 'mms', 'data'] as const;
export const mostKinds = 255;
/** Of printable ASCII: the kernel compares it as numbers. */
export const kindWord = /^[\x20-\x7e]{1,12}$/;

const column = z.string('must be the name of a column').min(1, 'must be the name of a column').max(200);

const layoutDocument = closedObject({
  delimiter: z.enum([',', ';'], 'must be "," or ";"').default(';'),
  columns: closedObject(Object.fromEntries(usageFields.map((field) => [field, column]))),
  kinds: z.record(
    z.string(),
    closedObject({
      kind: z.enum(previewKinds, `must be one of ${previewKinds.join(', ')}`),
      category: z.enum(usageCategories, `must be one of ${usageCategories.join(', ')}`),
    }),
    'must be an object: what the file writes, and what that means',
  ),
});

/** Throws `InvalidDocumentError` with every problem. */
export function parseLayoutDocument(document: unknown): UsageLayout {
  const problems = schemaProblems(document, layoutDocument);
  if (problems.length > 0) throw new InvalidDocumentError('the layout', problems);
  const { delimiter, columns, kinds } = layoutDocument.parse(document);
  const wrong = [...columnProblems(document, columns), ...kindProblems(document, Object.keys(kinds), delimiter)];
  if (wrong.length > 0) throw new InvalidDocumentError('the layout', wrong);
  return {
    delimiter,
    columns: columns as UsageLayout['columns'],
    kinds: Object.entries(kinds).map(([word, { kind, category }]) => ({ word, kind, category })),
  };
}

function columnProblems(document: unknown, columns: Readonly<Record<string, string>>): DocumentProblem[] {
  const names = Object.entries(columns);
  return names
    .filter(([, name], at) => names.slice(0, at).some(([, before]) => before === name))
    .map(([field]) => problemAt(document, ['columns', field], 'is the column of another field too'));
}

function kindProblems(document: unknown, words: readonly string[], delimiter: string): DocumentProblem[] {
  if (words.length === 0 || words.length > mostKinds) {
    return [problemAt(document, ['kinds'], `must have 1 to ${mostKinds} words`)];
  }
  return words
    .filter((word) => !isKindWord(word, delimiter))
    .map((word) =>
      problemAt(document, ['kinds', word], `"${word}" must be 1 to 12 plain characters, no quote and no ${delimiter}`),
    );
}

export function isKindWord(word: string, delimiter: string): boolean {
  return kindWord.test(word) && !word.includes('"') && !word.includes(delimiter);
}
