/** Values of a JSON document of somebody else's. */

/** What the types do not know yet: ES2026 tells a primitive's text. */
type ParseWithSource = (
  text: string,
  reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** As `JSON.parse`, but a whole number that no double holds is the text that it is: as an id or a cursor it must not be rounded. */
export function parseExactly(text: string): unknown {
  // without such a number, which is nearly always, nothing is done for each value
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return (JSON.parse as ParseWithSource)(text, (_name, value, { source }) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) ? source : value,
  );
}

/** What stands at a path of names with dots between them. Undefined when there is nothing. */
export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => {
    if (inner === null || typeof inner !== 'object' || !Object.hasOwn(inner, name)) return undefined;
    return (inner as Record<string, unknown>)[name];
  }, value);
}

export function scalar(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
