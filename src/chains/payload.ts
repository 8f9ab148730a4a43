/**
 * Inputs and outputs at the door: only plain JSON that jsonb can hold gets in. NUL and lone surrogates are refused here
 * because PostgreSQL would refuse them in the middle of a completion; so is what `JSON.stringify` would silently drop.
 */
import type { Json } from './define.ts';

export const maxPayloadBytes = 256 * 1024;
const maxDepth = 64;

export class PayloadError extends Error {
  override readonly name = 'PayloadError';
}

/** The value as JSON text. `what` names it in the PayloadError that is thrown with the path of the offending part. */
export function serialise(value: Json, what: string): string {
  check(value, what, '', 0);
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxPayloadBytes) {
    throw new PayloadError(
      `${what} is ${bytes} bytes of JSON, the limit is ${maxPayloadBytes}; keep large data in the archive or in a table and pass its key`,
    );
  }
  return text;
}

/** Text for a reason or an error: NUL and lone surrogates replaced, at most `maxLength` characters. Never throws. */
export function cleanText(text: string, maxLength = 2_000): string {
  return text.slice(0, maxLength).toWellFormed().replaceAll('\u0000', '\u2400');
}

function check(value: unknown, what: string, path: string, depth: number): void {
  if (depth > maxDepth) throw new PayloadError(`${what}${path} is nested deeper than ${maxDepth} levels, or circular`);
  switch (typeof value) {
    case 'boolean':
      return;
    case 'string':
      checkText(value, what, path);
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new PayloadError(`${what}${path} is ${value}, which JSON cannot hold`);
      return;
    case 'object':
      if (value === null) return;
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i += 1) check(value[i], what, `${path}[${i}]`, depth + 1);
        return;
      }
      checkObject(value, what, path, depth);
      return;
    default:
      throw new PayloadError(`${what}${path} is a ${typeof value}, which JSON cannot hold`);
  }
}

function checkObject(value: object, what: string, path: string, depth: number): void {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new PayloadError(`${what}${path} is a ${value.constructor?.name}; only plain objects can be stored as JSON`);
  }
  for (const [key, part] of Object.entries(value)) {
    checkText(key, what, `${path}, a key`);
    if (part !== undefined) check(part, what, `${path}.${key}`, depth + 1);
  }
}

function checkText(text: string, what: string, path: string): void {
  if (text.includes('\u0000')) throw new PayloadError(`${what}${path} contains a NUL character, which jsonb refuses`);
  if (!text.isWellFormed()) throw new PayloadError(`${what}${path} contains a lone surrogate, which UTF-8 cannot hold`);
}
