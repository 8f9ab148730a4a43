/** The trailer line, and what the file really held against it. */
import { lineLength, type Position, trailerLayout } from '../layout.ts';
import { readDigits } from './digits.ts';
import { refused, trailerField } from './refusal.ts';

export interface Sp16Trailer {
  readonly records: number;
  /** 1e-4 EUR. */
  readonly sum: bigint;
  /** Lower-case hex. */
  readonly crc: string;
  readonly line: number;
}

export interface Counted {
  readonly records: number;
  /** Null when the amount of a quarantined line could not be read: then the sum proves nothing. */
  readonly sum: bigint | null;
  readonly crc: number;
}

/** Throws `FileRefused`: `bad-trailer`. */
export function readTrailer(bytes: Buffer, start: number, line: number, name: string): Sp16Trailer {
  const text = (field: Position) => bytes.toString('latin1', start + field.from - 1, start + field.to);
  const bad = (field: keyof typeof trailerLayout, what: string) =>
    refused(name, 'bad-trailer', what, { line, field: trailerField(field), value: text(trailerLayout[field]) });
  const records = readDigits(bytes, start + trailerLayout.records.from - 1, 8);
  if (records < 0) throw bad('records', 'is not 8 digits');
  const sum = /^(\d{15})([+-])$/.exec(text(trailerLayout.sum));
  if (!sum) throw bad('sum', 'is not 15 digits and a sign');
  const crc = text(trailerLayout.crc);
  if (!/^[0-9a-f]{8}$/.test(crc)) throw bad('crc', 'is not 8 lower-case hex digits');
  const rest = bytes.toString('latin1', start + trailerLayout.crc.to, start + lineLength);
  if (rest.trim() !== '') throw bad('crc', 'is followed by something else than blanks');
  return { records, sum: sum[2] === '-' ? -BigInt(sum[1]!) : BigInt(sum[1]!), crc, line };
}

/** Throws `FileRefused`: `trailer-count`, `trailer-sum`, `trailer-crc`. */
export function checkTrailer(trailer: Sp16Trailer, counted: Counted, name: string): void {
  const wrong = (code: string, field: keyof typeof trailerLayout, value: string, what: string) =>
    refused(name, code, what, { line: trailer.line, field: trailerField(field), value });
  if (trailer.records !== counted.records) {
    throw wrong('trailer-count', 'records', String(trailer.records), `but the file holds ${counted.records} records`);
  }
  if (counted.sum !== null && trailer.sum !== counted.sum) {
    const units = '(1e-4 EUR)';
    throw wrong('trailer-sum', 'sum', String(trailer.sum), `but the amounts add up to ${counted.sum} ${units}`);
  }
  const crc = crcText(counted.crc);
  if (trailer.crc !== crc) throw wrong('trailer-crc', 'crc', trailer.crc, `but the bytes before it have ${crc}`);
}

export function crcText(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0');
}
