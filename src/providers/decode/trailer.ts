/** What a file's last line claims, and what the file really held against it. */
import type { FileSpec, TrailerField } from '../spec/files.ts';
import { readNumber } from './decimals.ts';
import { whereOf } from './field-plan.ts';
import { type RefusedPlace, refused } from './refusal.ts';

export interface Claim {
  readonly to: TrailerField['to'];
  readonly place: RefusedPlace;
  /** Records, or the sum in units of `unitE8`; for a crc 0. */
  readonly number: number;
  readonly unitE8: number;
}

export interface Trailer {
  readonly claims: readonly Claim[];
  readonly line: number;
}

export interface Counted {
  readonly records: number;
  /** 1e-8 EUR; null when the amount of a quarantined line could not be read: then the sum proves nothing. */
  readonly sumE8: bigint | null;
  readonly crc: number;
}

/** `textOf` gives a field's text. Throws `FileRefused`: `bad-trailer`. */
export function readTrailer(
  spec: NonNullable<FileSpec['trailer']>,
  line: number,
  name: string,
  textOf: (field: TrailerField) => string,
): Trailer {
  const claims = spec.fields.map((field): Claim => {
    const value = textOf(field);
    const place = { line, field: { name: field.to, where: whereOf(field.from) }, value };
    const number = numberOf(field, value);
    if (Number.isNaN(number)) throw refused(name, 'bad-trailer', forms[field.as](value.length), place);
    const whole = field.as === 'digits' || field.as === 'signed';
    const shown = whole ? { ...place, value: String(number) } : place;
    return { to: field.to, place: shown, number, unitE8: whole ? field.unit : 1 };
  });
  return { claims, line };
}

/** Throws `FileRefused`: `trailer-count`, `trailer-sum`, `trailer-crc`. */
export function checkTrailer(trailer: Trailer, counted: Counted, name: string): void {
  for (const { to, place, number, unitE8 } of trailer.claims) {
    if (to === 'records' && number !== counted.records) {
      throw refused(name, 'trailer-count', `but the file holds ${counted.records} records`, place);
    }
    if (to === 'sum' && counted.sumE8 !== null && BigInt(number) * BigInt(unitE8) !== counted.sumE8) {
      const sum = `${counted.sumE8 / BigInt(unitE8)}`;
      throw refused(name, 'trailer-sum', `but the amounts add up to ${sum} (${unitE8 / 1e8} EUR)`, place);
    }
    const crc = crcText(counted.crc);
    if (to === 'crc' && place.value !== crc) {
      throw refused(name, 'trailer-crc', `but the bytes before it have ${crc}`, place);
    }
  }
}

export function crcText(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0');
}

function numberOf(field: TrailerField, text: string): number {
  if (field.as === 'crc') return /^[0-9a-f]{8}$/.test(text) ? 0 : Number.NaN;
  const bytes = Buffer.from(text, 'latin1');
  return readNumber(bytes, 0, bytes.length, {
    point: field.as === 'dec' ? 46 : field.as === 'decComma' ? 44 : 0,
    thousands: field.as === 'decComma' ? 46 : 0,
    sign: field.as === 'signed' ? 'trailing' : field.as === 'digits' ? null : 'leading',
    unit: field.as === 'dec' || field.as === 'decComma' ? field.unit : 1,
    roundUp: false,
  });
}

const forms: Readonly<Record<TrailerField['as'], (length: number) => string>> = {
  digits: (length) => `is not ${length} digits`,
  signed: (length) => `is not ${length - 1} digits and a sign`,
  dec: () => 'is no amount with a decimal point',
  decComma: () => 'is no amount with a decimal comma',
  crc: () => 'is not 8 lower-case hex digits',
};
