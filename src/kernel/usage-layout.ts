/** Which column of a CSV file means what to the kernel. The file's own header says in which order the columns stand. */
import type { RecordKind } from '../telecom/record.ts';

/**
 * `key` decimal digits, at most 18; `subscriber` and `to` 1 to 15 digits; `kind` one of the layout's words; `start` an ISO
 * time with `Z` or an offset; `usage` a whole number below 10^9; `charge` EUR with a decimal point, at most 8 decimals.
 */
export const usageFields = ['key', 'subscriber', 'kind', 'to', 'start', 'usage', 'charge'] as const;
export type UsageField = (typeof usageFields)[number];

export interface UsageKind {
  /** The word in the file: 1 to 12 characters of ASCII, none of them a quote or the delimiter. */
  readonly word: string;
  readonly kind: RecordKind;
  readonly category: string;
}

export interface UsageLayout {
  readonly delimiter: ',' | ';';
  /** The header's name of each field. Columns with other names are read over. */
  readonly columns: Readonly<Record<UsageField, string>>;
  /** At most 255. */
  readonly kinds: readonly UsageKind[];
}

/** The layout for one file: its columns in their order, null for those that are read over. */
export interface UsageColumns {
  readonly delimiter: number;
  readonly fields: readonly (UsageField | null)[];
  readonly kinds: readonly UsageKind[];
  /** How long each column's field is in most records, as the file's first one tells: what a reader tries first. */
  readonly widths: readonly number[];
}

/**
 * Throws when a column is missing or stands there twice. `names` are those of the file's header, `widths` the lengths of its first
 * record's fields.
 */
export function columnsOf(layout: UsageLayout, names: readonly string[], widths: readonly number[]): UsageColumns {
  for (const field of usageFields) {
    const count = names.filter((name) => name === layout.columns[field]).length;
    if (count !== 1) {
      const what = count === 0 ? 'has no column' : 'has more than one column';
      throw new Error(`the file ${what} "${layout.columns[field]}"; its header is "${names.join(layout.delimiter)}"`);
    }
  }
  const fields = names.map((name) => usageFields.find((field) => layout.columns[field] === name) ?? null);
  return { delimiter: layout.delimiter.charCodeAt(0), fields, kinds: layout.kinds, widths };
}
