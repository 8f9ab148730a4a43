/**
 * Why a file or a line is kept out: messages that name file, line, field (with its positions) and value. A value that is or
 * may hold a phone number is masked; a raw line loses all but the first four characters of its numbers.
 */
import type { FileProblem, LineProblem } from '../../../compute/tasks/messages.ts';
import { maskNumber } from '../../../log/mask.ts';
import { headerLayout, lineLength, type Position, recordLayout, trailerLayout } from '../layout.ts';
import type { LineFault } from './line.ts';

/** The whole file is refused; nothing of it may be used. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  readonly problem: FileProblem;

  constructor(problem: FileProblem, options?: ErrorOptions) {
    super(problem.message, options);
    this.problem = problem;
  }
}

export interface Place {
  readonly line: number;
  readonly field: Position & { readonly name: string };
  readonly value: string;
}

/** `what` follows the file's name: `is truncated`, or the place with its value. */
export function refused(name: string, code: string, what: string, place?: Place, cause?: unknown): FileRefused {
  const where = place ? `, line ${place.line}, ${place.field.name} (${place.field.from}-${place.field.to})` : '';
  const value = place ? ` "${place.value}"` : '';
  return new FileRefused(
    {
      code,
      line: place?.line ?? null,
      field: place?.field.name ?? null,
      value: place?.value ?? null,
      message: `${name}${where}:${value} ${what}`,
    },
    cause === undefined ? undefined : { cause },
  );
}

export function headerField(name: keyof typeof headerLayout): Place['field'] {
  return { name, ...headerLayout[name] };
}

export function trailerField(name: keyof typeof trailerLayout): Place['field'] {
  return { name, ...trailerLayout[name] };
}

/** `bytes` is the line without its line end. */
export function lineProblem(name: string, line: number, fault: LineFault, bytes: Buffer): LineProblem {
  const position = fault.field && recordLayout[fault.field];
  const value = position ? fieldValue(bytes.toString('latin1', position.from - 1, position.to), fault.field) : null;
  const where = position ? `${fault.field} (${position.from}-${position.to})` : 'the line';
  return {
    code: fault.code,
    line,
    field: fault.field,
    value,
    message: `${name}, line ${line}, ${where}:${value === null ? '' : ` "${value}"`} ${fault.what}`,
    rawMasked: maskedLine(bytes),
  };
}

/**
 * Numbers keep four characters, destination text loses its digits. Where the line is not what its layout says, positions
 * mean nothing: then every digit after the record id goes.
 */
export function maskedLine(bytes: Buffer): string {
  const text = bytes.toString('latin1', 0, lineLength * 2).replace(/\p{Cc}/gu, '?');
  const { msisdn, dialled, text: words } = recordLayout;
  const head = text.slice(0, msisdn.from - 1);
  if (text.length !== lineLength || !/^[1-5]0/.test(text)) return head + starDigits(text.slice(head.length));
  return (
    head +
    starTail(text.slice(msisdn.from - 1, msisdn.to)) +
    starTail(text.slice(dialled.from - 1, dialled.to)) +
    text.slice(dialled.to, words.from - 1) +
    starDigits(text.slice(words.from - 1, words.to)) +
    text.slice(words.to)
  );
}

function fieldValue(text: string, field: LineFault['field']): string {
  if (field === 'msisdn' || field === 'dialled') return maskNumber(text.trimEnd());
  return field === 'text' ? starDigits(text).trimEnd() : text;
}

function starDigits(text: string): string {
  return text.replace(/\d/g, '*');
}

/** Numbers of up to six characters, emergency numbers among them, show nothing. */
function starTail(text: string): string {
  const shown = text.trimEnd().length > 6 ? 4 : 0;
  return text.slice(0, shown) + text.slice(shown).replace(/\S/g, '*');
}
