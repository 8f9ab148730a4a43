/**
 * A record type of a spec, made ready for the loop over records: every field has a slot (where the framer notes its bytes),
 * and what reading it needs stands in plain members of one shape, so that a spec costs no speed.
 */

import type { RecordKind } from '../../telecom/record.ts';
import { enumMeanings, type Field } from '../spec/fields.ts';
import type { Encoding } from '../spec/files.ts';
import type { Place } from '../spec/places.ts';
import type { RecordType } from '../spec/records.ts';
import type { NumberForm } from './decimals.ts';
import { EnumTable } from './enum-table.ts';
import { LocalFormat } from './local-format.ts';

export interface FieldPlan {
  /** `type`: what tells the record type. */
  readonly to: Field['to'] | 'type';
  readonly as: Field['as'];
  readonly slot: number;
  readonly optional: boolean;
  /** The provider's word for it. */
  readonly name: string;
  /** `54-67`, or the column, or the path. */
  readonly where: string;
  /** First byte (from 0) and end within a fixed-width line; 0 and 0 in other framings. */
  readonly at: number;
  readonly end: number;
  readonly form: NumberForm | null;
  readonly format: LocalFormat | null;
  readonly isoDuration: boolean;
  readonly table: EnumTable | null;
  /** Of the table's texts, as indexes into the meanings of this field (`enumMeanings`). */
  readonly meanings: readonly number[];
  /** Of a field of one byte, by that byte; -1 for what is none. Null when a text may be longer. */
  readonly flags: Int8Array | null;
}

export interface TypePlan {
  /** Among the types of its layout. */
  readonly index: number;
  readonly name: string;
  readonly kind: RecordKind | null;
  readonly foreignIsRoaming: boolean;
  readonly fields: readonly FieldPlan[];
  /** Those that only people read. */
  readonly texts: readonly FieldPlan[];
  readonly id: FieldPlan | null;
  readonly version: FieldPlan | null;
  readonly state: FieldPlan | null;
  readonly account: FieldPlan | null;
  readonly kindField: FieldPlan | null;
  readonly msisdn: FieldPlan;
  readonly dialled: FieldPlan | null;
  readonly start: FieldPlan | null;
  readonly startDate: FieldPlan | null;
  readonly startTime: FieldPlan | null;
  readonly dst: FieldPlan | null;
  readonly seconds: FieldPlan | null;
  readonly octets: FieldPlan | null;
  readonly count: FieldPlan | null;
  readonly code: FieldPlan | null;
  readonly visited: FieldPlan | null;
  readonly amount: FieldPlan;
  readonly currency: FieldPlan | null;
  readonly vat: FieldPlan | null;
  readonly inBundle: FieldPlan | null;
  readonly correction: FieldPlan | null;
  readonly originalId: FieldPlan | null;
  readonly chargeFrom: FieldPlan | null;
  readonly chargeTo: FieldPlan | null;
}

/** `slotOf` gives the slot of a place; equal places share one. */
export function planType(
  type: RecordType,
  index: number,
  encoding: Encoding,
  slotOf: (place: Place) => number,
): TypePlan {
  const fields = type.fields.map((field) => planField(field, encoding, slotOf(field.from)));
  const the = (to: Field['to']) => fields.find((field) => field.to === to) ?? null;
  return {
    index,
    name: type.name,
    kind: type.kind ?? null,
    foreignIsRoaming: type.foreignIsRoaming,
    fields,
    texts: fields.filter((field) => field.to === 'text'),
    id: the('id'),
    version: the('version'),
    state: the('state'),
    account: the('account'),
    kindField: the('kind'),
    msisdn: the('msisdn')!,
    dialled: the('dialled'),
    start: the('start'),
    startDate: the('startDate'),
    startTime: the('startTime'),
    dst: the('dst'),
    seconds: the('seconds'),
    octets: the('octets'),
    count: the('count'),
    code: the('code'),
    visited: the('visited'),
    amount: the('amount')!,
    currency: the('currency'),
    vat: the('vat'),
    inBundle: the('inBundle'),
    correction: the('correction'),
    originalId: the('originalId'),
    chargeFrom: the('chargeFrom'),
    chargeTo: the('chargeTo'),
  };
}

/** The field that tells the type of a record. */
export function planWhen(place: Place, slot: number): FieldPlan {
  const field = planField({ to: 'text', from: place, as: 'text', optional: false }, 'utf-8', slot);
  return { ...field, to: 'type', name: 'type' };
}

export function whereOf(place: Place): string {
  if (typeof place === 'string') return place;
  return place[0] === place[1] ? `${place[0]}` : `${place[0]}-${place[1]}`;
}

/** A text as the file writes it. */
export function encoded(text: string, encoding: Encoding): Buffer {
  if (encoding !== 'windows-1252') return Buffer.from(text, encoding === 'utf-8' ? 'utf8' : 'latin1');
  const letters = new TextDecoder('windows-1252').decode(Uint8Array.from({ length: 256 }, (_, byte) => byte));
  return Buffer.from([...text].map((letter) => letters.indexOf(letter)));
}

function planField(field: Field, encoding: Encoding, slot: number): FieldPlan {
  const [first, last] = typeof field.from === 'string' ? [1, 0] : field.from;
  const written = field.as === 'enum' ? Object.keys(field.values) : [];
  const known: readonly string[] = field.as === 'enum' ? enumMeanings[field.to] : [];
  const table = field.as === 'enum' ? new EnumTable(written.map((text) => encoded(text, encoding))) : null;
  const meanings = field.as === 'enum' ? written.map((text) => known.indexOf(field.values[text]!)) : [];
  return {
    to: field.to,
    as: field.as,
    slot,
    optional: field.optional,
    name: field.name ?? field.to,
    where: whereOf(field.from),
    at: first - 1,
    end: last,
    form: field.as === 'int' || field.as === 'dec' || field.as === 'decComma' ? numberForm(field) : null,
    format: field.as === 'local' ? new LocalFormat(field.format) : null,
    isoDuration: field.as === 'duration' && field.format === 'iso',
    table,
    meanings,
    flags: table !== null && first === last ? flagsOf(table, meanings) : null,
  };
}

function flagsOf(table: EnumTable, meanings: readonly number[]): Int8Array {
  return Int8Array.from({ length: 256 }, (_, byte) => {
    const index = table.find(Uint8Array.of(byte), 0, 1);
    return index < 0 ? -1 : meanings[index]!;
  });
}

function numberForm(field: Field & { as: 'int' | 'dec' | 'decComma' }): NumberForm {
  return {
    point: field.as === 'dec' ? 46 : field.as === 'decComma' ? 44 : 0,
    thousands: field.as === 'decComma' ? 46 : 0,
    sign: field.sign ?? null,
    unit: field.unit ?? (field.to === 'amount' ? 100_000_000 : 1),
    roundUp: field.to === 'octets',
  };
}
