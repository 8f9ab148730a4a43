/**
 * The header line against the file's own name and the account it was fetched for. A file of another account is refused whole
 * (`wrong-account`): it is somebody else's data, so its account number is shown masked.
 */
import { maskNumber } from '../../../log/mask.ts';
import { fileName, headerLayout, layoutVersion, type Position } from '../layout.ts';
import { isoDate, readDate, readDigits, readTime } from './digits.ts';
import { headerField, refused } from './refusal.ts';

export interface Sp16Header {
  readonly seq: number;
  /** ISO dates, both inclusive. */
  readonly periodFrom: string;
  readonly periodTo: string;
  /** Null in the first file of an account. */
  readonly previousSeq: number | null;
  readonly previousCrc: string | null;
}

export interface ExpectedFile {
  readonly name: string;
  readonly account: string;
}

/** Throws `FileRefused`: `bad-name`, `wrong-account`. */
export function checkName(expected: ExpectedFile): void {
  const parts = fileName.exec(expected.name);
  if (!parts) {
    throw refused(expected.name, 'bad-name', 'is not named SP16X_<account10>_<yyyymm>_<seq6>.dat.gz');
  }
  if (parts[1] !== expected.account) {
    throw refused(maskedName(expected.name), 'wrong-account', `is named for another account than ${expected.account}`);
  }
}

/** Throws `FileRefused`: `bad-header`, `unsupported-layout`, `wrong-account`, `name-mismatch`. */
export function readHeader(bytes: Buffer, start: number, expected: ExpectedFile): Sp16Header {
  const text = (field: Position) => bytes.toString('latin1', start + field.from - 1, start + field.to);
  const bad = (name: keyof typeof headerLayout, what: string, code = 'bad-header') =>
    refused(expected.name, code, what, { line: 1, field: headerField(name), value: text(headerLayout[name]) });
  const at = (field: Position) => start + field.from - 1;

  if (text(headerLayout.type) !== '00') throw bad('type', 'is not the header type 00');
  if (text(headerLayout.layout) !== layoutVersion) {
    throw bad('layout', `is not the layout ${layoutVersion} that this decoder reads`, 'unsupported-layout');
  }
  const account = text(headerLayout.account);
  if (!/^\d{10}$/.test(account)) throw bad('account', 'is not 10 digits');
  if (account !== expected.account) {
    const place = { line: 1, field: headerField('account'), value: maskNumber(account) };
    throw refused(expected.name, 'wrong-account', `is not the account ${expected.account}`, place);
  }
  const seq = readDigits(bytes, at(headerLayout.seq), 6);
  const from = readDate(bytes, at(headerLayout.periodFrom));
  const to = readDate(bytes, at(headerLayout.periodTo));
  if (seq < 0) throw bad('seq', 'is not 6 digits');
  if (from < 0) throw bad('periodFrom', 'is no date');
  if (to < from) throw bad('periodTo', 'is no date from the period start on');
  const created = at(headerLayout.created);
  if (readDate(bytes, created) < 0 || readTime(bytes, created + 8) < 0) throw bad('created', 'is no time');
  if (text(headerLayout.currency) !== 'EUR') throw bad('currency', 'is not EUR');
  const previousSeq = readDigits(bytes, at(headerLayout.previousSeq), 6);
  const previousCrc = text(headerLayout.previousCrc);
  if (previousSeq < 0) throw bad('previousSeq', 'is not 6 digits');
  if (!/^[0-9a-f]{8}$/.test(previousCrc)) throw bad('previousCrc', 'is not 8 lower-case hex digits');

  const [, , month, nameSeq] = fileName.exec(expected.name)!;
  if (Number(nameSeq) !== seq) throw bad('seq', `is not the ${nameSeq} of the file's name`, 'name-mismatch');
  if (Number(month) !== Math.floor(from / 100)) {
    throw bad('periodFrom', `is not in the ${month} of the file's name`, 'name-mismatch');
  }
  return {
    seq,
    periodFrom: isoDate(from),
    periodTo: isoDate(to),
    previousSeq: previousSeq === 0 ? null : previousSeq,
    previousCrc: previousSeq === 0 ? null : previousCrc,
  };
}

function maskedName(name: string): string {
  return name.replace(/\d{10}/, (account) => maskNumber(account));
}
