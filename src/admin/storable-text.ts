/**
 * Text that no row can hold: PostgreSQL knows no NUL and no half of a surrogate pair. Only an escape (`\u0000`, `\ud800`) brings one into
 * JSON, so a body without such an escape is not looked through.
 */
import { InvalidRequestError } from './input.ts';

const suspicious = /\\u(0000|d[89a-f])/i;

/** Throws `InvalidRequestError` that names the place. */
export function refuseUnstorable(body: string, value: unknown): void {
  if (!suspicious.test(body)) return;
  const left: [place: string, value: unknown][] = [['', value]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [place, one] = next;
    if (typeof one === 'string') refuseText(place, one);
    if (typeof one !== 'object' || one === null) continue;
    for (const [key, member] of Object.entries(one)) {
      refuseText(place === '' ? 'a key' : `a key of ${place}`, key);
      const under = Array.isArray(one) ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`;
      left.push([under, member]);
    }
  }
}

function refuseText(place: string, text: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return;
  throw new InvalidRequestError(
    `${place} holds a NUL or half of a surrogate pair, which no text here can; take it out`,
  );
}
