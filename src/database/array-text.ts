/**
 * PostgreSQL's text form of a one-dimensional array, for statements that take thousands of values a second: the driver's own
 * way escapes every element, also those that cannot need it.
 * Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
export type Element = string | number | bigint | boolean | null;

const plain = /^[\w.:+-]+$/;

/** `{1,two,NULL,"a \"b\""}`: one element of each item. */
export function arrayText<Item>(items: readonly Item[], elementOf: (item: Item) => Element): string {
  let text = '{';
  for (let at = 0; at < items.length; at += 1) {
    const value = elementOf(items[at]!);
    if (at > 0) text += ',';
    if (value === null) text += 'NULL';
    else if (typeof value !== 'string') text += String(value);
    else if (plain.test(value) && value.length < 200 && !isNull(value)) text += value;
    else text += `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  }
  return `${text}}`;
}

/** Unquoted it would not be text. */
function isNull(value: string): boolean {
  return value.length === 4 && value.toLowerCase() === 'null';
}
