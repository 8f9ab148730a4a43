/** Which column of a CSV file is which value: by the names in its first row, in whatever order they come (F11). */
import type { Layout } from './layout.ts';
import { refused } from './refusal.ts';

export interface CsvColumns {
  readonly names: readonly string[];
  /** Column by slot; -1 for an optional one that the file does not have. */
  readonly ofSlot: Int32Array;
  readonly notices: readonly string[];
}

/** Throws `FileRefused`: `missing-column`, `column-twice`. */
export function mapColumns(
  layout: Layout,
  names: readonly string[],
  ignored: readonly string[],
  name: string,
): CsvColumns {
  const notices: string[] = [];
  const wanted = new Set<string>();
  const ofSlot = Int32Array.from(layout.places, (place) => {
    const column = String(place);
    wanted.add(column);
    const at = names.indexOf(column);
    if (at >= 0 && names.indexOf(column, at + 1) >= 0) throw refused(name, 'column-twice', `has two columns ${column}`);
    if (at < 0 && isNeeded(layout, column)) {
      const there = names.map((each) => each.slice(0, 40)).join(', ');
      throw refused(name, 'missing-column', `has no column ${column}; it has ${there.slice(0, 400)}`);
    }
    if (at < 0) notices.push(`column ${column} is missing; it is not needed`);
    return at;
  });
  for (const column of names) {
    if (!wanted.has(column) && !ignored.includes(column)) {
      notices.push(`column ${column.slice(0, 60)} is new and was not read`);
    }
  }
  return { names, ofSlot, notices: notices.slice(0, 50) };
}

function isNeeded(layout: Layout, column: string): boolean {
  if (layout.when?.where === column) return true;
  return layout.types.some((type) => type.fields.some((field) => field.where === column && !field.optional));
}
