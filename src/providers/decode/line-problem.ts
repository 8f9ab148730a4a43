/**
 * A record that goes to quarantine, as people see it: where it stands, what is wrong, and its bytes with every digit hidden
 * that is not known to be harmless. Numbers show their first four characters, texts and what the layout does not name none.
 */
import type { LineProblem } from '../../compute/tasks/file-problem.ts';
import { maskNumber } from '../../log/mask.ts';
import type { FieldPlan } from './field-plan.ts';
import type { Slots } from './layout.ts';
import type { LineFault } from './line-fault.ts';

/** A faulty record's bytes are `raw.bytes` from `raw.from` to before `raw.to`, in the buffer of the slots. */
export interface RawRecord {
  readonly from: number;
  readonly to: number;
  readonly line: number;
  /** Of its first byte, in the unpacked file. */
  readonly offset: number;
}

const longestRaw = 400;

/** `fields`: those whose slots tell something of this record. */
export function lineProblem(
  name: string,
  raw: RawRecord,
  fault: LineFault,
  slots: Slots,
  fields: readonly FieldPlan[],
): LineProblem {
  const { field } = fault;
  const value = field && fields.includes(field) ? fieldValue(slots, field) : null;
  const where = field ? `${field.name} (${field.where})` : 'the line';
  return {
    code: fault.code,
    line: raw.line,
    offset: raw.offset,
    field: field?.name ?? null,
    value,
    message: `${name}, line ${raw.line}, ${where}:${value === null ? '' : ` "${value}"`} ${fault.what}`,
    rawMasked: maskedRecord(raw, slots, fields),
  };
}

function maskedRecord(raw: RawRecord, slots: Slots, fields: readonly FieldPlan[]): string {
  const end = Math.min(raw.to, raw.from + longestRaw);
  const text = [...slots.bytes.toString('latin1', raw.from, end).replace(/\p{Cc}/gu, '?')];
  const shown = text.map((letter) => (/\d/.test(letter) ? '*' : letter));
  for (const field of fields) {
    if (field.to === 'text' || field.to === 'account') continue;
    const from = slots.base + slots.from[field.slot]! - raw.from;
    const to = slots.base + slots.to[field.slot]! - raw.from;
    if (from < 0 || to > text.length) continue;
    const own = text.slice(from, to).join('');
    const kept = isNumber(field) ? starTail(own) : own;
    for (let index = 0; index < kept.length; index += 1) shown[from + index] = kept[index]!;
  }
  return shown.join('');
}

function fieldValue(slots: Slots, field: FieldPlan): string {
  const from = slots.base + slots.from[field.slot]!;
  const text = slots.bytes.toString('latin1', from, Math.min(slots.base + slots.to[field.slot]!, from + longestRaw));
  if (isNumber(field)) return maskNumber(text.trimEnd());
  return field.to === 'text' || field.to === 'account' ? text.replace(/\d/g, '*').trimEnd() : text;
}

function isNumber(field: FieldPlan): boolean {
  return field.to === 'msisdn' || field.to === 'dialled';
}

/** Numbers of up to six characters, emergency numbers among them, show nothing. */
function starTail(text: string): string {
  const shown = text.trimEnd().length > 6 ? 4 : 0;
  return text.slice(0, shown) + text.slice(shown).replace(/\S/g, '*');
}
