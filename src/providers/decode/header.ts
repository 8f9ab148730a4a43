/**
 * The header line against the file's own name and the account it was fetched for. A file of another account is refused whole
 * (`wrong-account`): it is somebody else's data, so its account number is shown masked.
 */
import { maskNumber } from '../../log/mask.ts';
import type { FileSpec, HeaderField } from '../spec/files.ts';
import { isoDate, readDate, readDigits, readTime } from './digits.ts';
import { whereOf } from './field-plan.ts';
import { refused } from './refusal.ts';

/** What the header claims; null where the layout has no such claim. */
export interface HeaderFacts {
  readonly seq: number | null;
  /** ISO dates, both inclusive. */
  readonly periodFrom: string | null;
  readonly periodTo: string | null;
  /** Null in the first file of an account. */
  readonly previousSeq: number | null;
  readonly previousCrc: string | null;
}

export interface ExpectedFile {
  readonly name: string;
  readonly account: string;
}

export const noHeader: HeaderFacts = {
  seq: null,
  periodFrom: null,
  periodTo: null,
  previousSeq: null,
  previousCrc: null,
};

/** Named groups of the file's name. Throws `FileRefused`: `bad-name`, `wrong-account`. */
export function readName(spec: FileSpec, expected: ExpectedFile): Readonly<Record<string, string>> {
  const match = new RegExp(spec.name).exec(expected.name);
  if (!match) throw refused(expected.name, 'bad-name', `is not named ${spec.nameShown}`);
  const groups = match.groups ?? {};
  if (groups['account'] !== undefined && groups['account'] !== expected.account) {
    const masked = expected.name.replace(groups['account'], maskNumber(groups['account']));
    throw refused(masked, 'wrong-account', `is named for another account than ${expected.account}`);
  }
  return groups;
}

/** Throws `FileRefused`: `bad-header`, `wrong-account`, `name-mismatch`, and the codes of constant fields. */
export function readHeader(bytes: Buffer, start: number, spec: FileSpec, expected: ExpectedFile): HeaderFacts {
  const groups = readName(spec, expected);
  const facts: { -readonly [K in keyof HeaderFacts]: HeaderFacts[K] } = { ...noHeader };
  for (const field of spec.header!.fields) {
    const [first, last] = field.from as readonly [number, number];
    const at = start + first - 1;
    const text = bytes.toString('latin1', at, start + last);
    const bad = (what: string, code = 'bad-header', value = text) =>
      refused(expected.name, code, what, { line: 1, field: { name: field.to, where: whereOf(field.from) }, value });
    if ('is' in field) {
      if (text !== field.is) throw bad(`is not the ${field.to} ${field.is}`, field.code);
      continue;
    }
    const number = numberOf(bytes, at, last - first + 1, field);
    if (number < 0) throw bad(forms[field.as](last - first + 1));
    switch (field.to) {
      case 'account':
        if (text === expected.account) break;
        throw bad(`is not the account ${expected.account}`, 'wrong-account', maskNumber(text));
      case 'seq':
        facts.seq = number;
        if (groups['seq'] === undefined || Number(groups['seq']) === number) break;
        throw bad(`is not the ${groups['seq']} of the file's name`, 'name-mismatch');
      case 'periodFrom':
        facts.periodFrom = isoDate(number);
        if (groups['month'] === undefined || Number(groups['month']) === Math.floor(number / 100)) break;
        throw bad(`is not in the ${groups['month']} of the file's name`, 'name-mismatch');
      case 'periodTo':
        facts.periodTo = isoDate(number);
        if (facts.periodFrom !== null && facts.periodTo < facts.periodFrom)
          throw bad('is no date from the period start on');
        break;
      case 'previousSeq':
        facts.previousSeq = number === 0 ? null : number;
        break;
      case 'previousCrc':
        facts.previousCrc = facts.previousSeq === null ? null : text;
        break;
      case 'created':
      case 'currency':
        break;
    }
  }
  return facts;
}

type FactField = Exclude<HeaderField, { is: string }>;

/** -1 when it is not in its form; for a crc some number. */
function numberOf(bytes: Buffer, at: number, length: number, field: FactField): number {
  switch (field.as) {
    case 'digits':
      return readDigits(bytes, at, length);
    case 'date':
      return readDate(bytes, at);
    case 'time':
      return readDate(bytes, at) < 0 ? -1 : readTime(bytes, at + 8);
    case 'crc':
      return /^[0-9a-f]{8}$/.test(bytes.toString('latin1', at, at + length)) ? 0 : -1;
  }
}

const forms: Readonly<Record<FactField['as'], (length: number) => string>> = {
  digits: (length) => `is not ${length} digits`,
  date: () => 'is no date',
  time: () => 'is no time',
  crc: () => 'is not 8 lower-case hex digits',
};
