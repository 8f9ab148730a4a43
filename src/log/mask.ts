/**
 * Keeps phone numbers and secrets out of what leaves the process as text: logs, alerts, errors shown at a door. It is the
 * last guard, not the first: code that knows it holds a number masks it itself with `maskNumber`.
 *
 * What counts as a number in free text: a run of 9 to 15 digits, with or without `+`, that is not part of a longer word
 * (ids and hashes in hex) and does not begin with 000 (account and sequence numbers are zero-padded; no E.164 number is).
 */

const numberInText = /(?<![0-9A-Za-z.])\+?(?!000)\d{9,15}(?![0-9A-Za-z])/g;
const passwordInUrl = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi;

/**
 * `31612345678` -> `3161234****`: the last `digits` digits are never shown (default 4). One of at most six digits is hidden
 * whole: it may be an emergency or helpline number. The pseudonym of a number that was erased is no number.
 */
export function maskNumber(number: string, digits = 4): string {
  if (number.startsWith('erased-')) return number;
  const shown = number.length > 6 ? Math.max(0, number.length - digits) : 0;
  return number.slice(0, shown) + '*'.repeat(number.length - shown);
}

/** Masks every phone number and every password in a URL. Text without either is returned as it is. */
export function maskText(text: string): string {
  return text.replace(numberInText, (number) => maskNumber(number)).replace(passwordInUrl, '$1:***@');
}

/** Fields that hold a number, or a secret, whatever their value looks like. */
const numberFields = new Set([
  'msisdn',
  'number',
  'bnumber',
  'anumber',
  'dialled',
  'dialed',
  'caller',
  'called',
  'phone',
]);
const secretFields = new Set([
  'password',
  'passphrase',
  'secret',
  'apikey',
  'authorization',
  'cookie',
  'privatekey',
  'hashkey',
  'accesstoken',
  'refreshtoken',
]);

const deepest = 6;

/** A masked copy of plain data. Buffers, functions and what lies deeper than six levels are named, not shown. */
export function maskValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Error) return maskError(value, depth);
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= deepest) return '[deeper]';
  if (Array.isArray(value)) return value.map((item) => maskValue(item, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) copy[key] = maskField(key, item, depth + 1);
  return copy;
}

function maskField(key: string, value: unknown, depth: number): unknown {
  const name = key.replace(/[-_]/g, '').toLowerCase();
  if (secretFields.has(name)) return value === null || value === undefined ? value : '[secret]';
  if (numberFields.has(name) && (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')) {
    return maskNumber(String(value));
  }
  return maskValue(value, depth);
}

/** An error as plain data, with its causes; messages and stacks masked. */
export function maskError(error: Error, depth = 0): Record<string, unknown> {
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    message: maskText(error.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack ? { stack: maskText(error.stack) } : {}),
    ...(error.cause === undefined || depth >= deepest ? {} : { cause: maskValue(error.cause, depth + 1) }),
  };
}
