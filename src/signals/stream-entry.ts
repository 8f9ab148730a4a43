/** An entry of the stream: up to 64 chain ids in one field, and who wrote it. What cannot be read is an entry without ids. */
export interface Entry {
  readonly entryId: string;
  readonly chainIds: readonly string[];
  /** The consumer that added it. */
  readonly by: string | null;
}

export function fieldsOf(by: string, chainIds: readonly string[]): string[] {
  return ['by', by, 'ids', chainIds.join(',')];
}

/** Of an answer of XREADGROUP on one stream: `[[stream, [[id, fields], …]]]`, or nil when there was nothing. */
export function entriesOf(answer: unknown): Entry[] {
  if (!Array.isArray(answer)) return [];
  const [, entries] = (answer[0] ?? []) as [unknown, unknown];
  if (!Array.isArray(entries)) return [];
  return entries.map(([entryId, fields]: [unknown, unknown]) => ({
    entryId: String(entryId),
    // nil: it was trimmed while it was pending
    chainIds: chainIdsOf(fieldOf(fields, 'ids')),
    by: fieldOf(fields, 'by'),
  }));
}

function fieldOf(fields: unknown, name: string): string | null {
  if (!Array.isArray(fields)) return null;
  for (let at = 0; at + 1 < fields.length; at += 2) if (fields[at] === name) return String(fields[at + 1]);
  return null;
}

/** Others may write into the stream: only what can be a chain's id is taken. */
function chainIdsOf(text: string | null): string[] {
  return text === null ? [] : text.split(',').filter((chainId) => /^[0-9]{1,19}$/.test(chainId));
}
