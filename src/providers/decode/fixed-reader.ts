/**
 * Reads the ordinary usage record of a fixed width by code that is made from its layout: positions and widths are constants in
 * it, four digits are read as one word, and nothing is looked up or called for each field, so that a spec costs no speed
 * (bench/RESULTS.md, "A layout's decoder beside one by hand").
 *
 * It knows the ordinary only. Whatever is not (a blank, a correction, a digit that is none) makes it answer false, and
 * `RecordDecoder` reads the whole record by its fields and has the words for what is wrong: what counts of a wrong record is said
 * in one place. A type with a field that this file does not know has no such code and is always read by its fields. Of a
 * layout only numbers become code, never a text.
 */
import type { RecordKind } from '../../telecom/record.ts';
import type { CodeTable } from './code-table.ts';
import { type DialledNumbers, noDialled } from './dialled-numbers.ts';
import { isDay } from './digits.ts';
import type { FieldPlan, TypePlan } from './field-plan.ts';
import type { Slots } from './layout.ts';
import { type DecodedRecord, original } from './record.ts';
import { earliestDate, type StartReader } from './start-reader.ts';
import type { VisitedNetworks } from './visited-networks.ts';

export interface FixedReader {
  /** 1e-8 EUR; NaN when it has to be read by its field. */
  amount(base: number): number;
  /** Fills the record up to its start, which `StartReader.resolve` completes. False: read it by its fields. */
  read(base: number): boolean;
}

/** What the decoder reads records with otherwise, and shares. */
export interface ReaderParts {
  readonly record: DecodedRecord;
  readonly codes: CodeTable;
  readonly dialled: DialledNumbers;
  readonly visited: VisitedNetworks;
  readonly starts: StartReader;
  readonly longestCallS: number;
  /** By meaning of `inBundle`. */
  readonly inBundle: readonly (boolean | null)[];
}

type Make = (parts: object) => FixedReader;

/** By their code: a thread's next file of the same layout finds its reader compiled and warm. */
const made = new Map<string, Make>();
const mostMade = 64;
const mostDigits = 15;

/** Null when the type has something that only reading by fields knows. */
export function fixedReader(type: TypePlan, slots: Slots, parts: ReaderParts): FixedReader | null {
  const { bytes } = slots;
  const code = codeOf(type);
  if (code === null) return null;
  let make = made.get(code);
  if (make === undefined) {
    make = new Function('parts', code) as Make;
    if (made.size >= mostMade) made.clear();
    made.set(code, make);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { dst, inBundle, correction } = type;
  const tables = { dsts: dst?.flags, bundles: inBundle?.flags, corrections: correction?.flags, inVat };
  return make({ ...parts, ...tables, bytes, view, kind: type.kind, noDialled, original, isStart });
}

const isStart = (date: number): boolean => date >= earliestDate && isDay(date);

/** Digits, capitals and blanks. */
const inVat = Uint8Array.from({ length: 256 }, (_, byte) => {
  return Number(byte === 32 || (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90));
});

function codeOf(type: TypePlan): string | null {
  const amount = numberOf(type.amount, 'amount', 'NaN');
  const read = [
    keyOf(type),
    msisdnOf(type.msisdn),
    dialledOf(type.dialled),
    startOf(type),
    usageOf(type),
    codeFieldOf(type.code),
    visitedOf(type),
    moneyOf(type),
    flagsOf(type),
  ];
  if (amount === null || read.includes(null)) return null;
  const names = 'record, codes, dialled, visited, starts, longestCallS, inBundle, dsts, bundles, corrections, inVat';
  return `
    const { ${names}, bytes, view, kind, noDialled, original, isStart } = parts;
    let lastDate = 0;
    return {
      amount(base) {
        ${amount}
        return amount;
      },
      read(base) {
        ${read.join('\n')}
        return true;
      },
    };`;
}

/** `name` is then the number of so many digits; anything else leaves with `otherwise`. */
function digits(name: string, at: number, width: number, otherwise: string): string {
  const lines: string[] = [];
  const terms: string[] = [];
  let done = 0;
  for (; width - done >= 4; done += 4) {
    const word = `${name}${done}`;
    // every byte a digit, and then pairs and fours of them by two multiplications
    lines.push(
      `const ${word} = view.getInt32(base + ${at + done}, true) ^ 0x30303030;`,
      `if ((((${word} + 0x76767676) | ${word}) & 0x80808080) !== 0) return ${otherwise};`,
      `const ${word}p = (Math.imul(${word}, 10) + (${word} >>> 8)) | 0;`,
    );
    terms.push(`((${word}p & 255) * 100 + ((${word}p >>> 16) & 255)) * ${10 ** (width - done - 4)}`);
  }
  for (; done < width; done += 1) {
    const digit = `${name}${done}`;
    lines.push(`const ${digit} = bytes[base + ${at + done}] ^ 48;`, `if (${digit} > 9) return ${otherwise};`);
    terms.push(`${digit} * ${10 ** (width - done - 1)}`);
  }
  return `${lines.join('\n')}\nconst ${name} = ${terms.join(' + ')};`;
}

/** A whole number in its unit, with a sign behind it where the layout has one. */
function numberOf(field: FieldPlan, name: string, otherwise: string): string | null {
  const { form, at, end } = field;
  if (form === null || form.point !== 0 || form.thousands !== 0 || form.sign === 'leading') return null;
  const width = end - at - (form.sign === null ? 0 : 1);
  if (width < 1 || width > mostDigits || 10 ** width * form.unit > Number.MAX_SAFE_INTEGER) return null;
  if (form.sign === null)
    return `${digits(`${name}D`, at, width, otherwise)}\nconst ${name} = ${name}D * ${form.unit};`;
  return `
    const ${name}Sign = bytes[base + ${end - 1}];
    if (${name}Sign !== 43 && ${name}Sign !== 45) return ${otherwise};
    ${digits(`${name}D`, at, width, otherwise)}
    const ${name} = ${name}Sign === 45 ? 0 - ${name}D * ${form.unit} : ${name}D * ${form.unit};`;
}

function keyOf({ id, version }: TypePlan): string | null {
  if (id === null || version !== null || id.end - id.at > 64) return null;
  return `
    if (bytes[base + ${id.at}] === 32) return false;
    record.version = 0;
    record.keyBytes = bytes;
    record.keyFrom = base + ${id.at};
    record.keyTo = base + ${id.end};`;
}

function msisdnOf({ as, at, end }: FieldPlan): string | null {
  if (as !== 'digits' || end - at < 8) return null;
  return `
    ${digits('number', at, 8, 'false')}
    let length = base + ${at + 8};
    while (length < base + ${end} && (bytes[length] ^ 48) < 10) length += 1;
    for (let index = length; index < base + ${end}; index += 1) if (bytes[index] !== 32) return false;
    if (length > base + ${at + 15}) return false;
    record.msisdnCountry = '';
    record.msisdnFrom = base + ${at};
    record.msisdnDigits = length - base - ${at};`;
}

function dialledOf(field: FieldPlan | null): string | null {
  if (field === null) return `record.dialled = noDialled;\nrecord.prefix = '';\nrecord.dialledHash = null;`;
  const { as, at, end, optional } = field;
  if (as !== 'dialled') return null;
  return `
    const known = dialled.of(bytes, base + ${at}, base + ${end});
    if (known === null${optional ? '' : ' || known === noDialled'}) return false;
    record.dialled = known;
    record.prefix = known.prefix;
    record.dialledHash = known === noDialled ? null : dialled.hashOf(bytes, base + ${at}, base + ${end});`;
}

function startOf({ start, dst }: TypePlan): string | null {
  if (start?.format?.text !== 'yyyymmddhhmiss' || start.end - start.at !== 14) return null;
  if (dst !== null && dst.flags === null) return null;
  return `
    ${digits('date', start.at, 8, 'false')}
    ${digits('clock', start.at + 8, 4, 'false')}
    ${digits('seconds', start.at + 12, 2, 'false')}
    if (date !== lastDate) {
      if (!isStart(date)) return false;
      lastDate = date;
    }
    const hour = (clock / 100) | 0;
    const minute = clock - hour * 100;
    if (hour > 23 || minute > 59 || seconds > 59) return false;
    record.date = date;
    record.second = hour * 3600 + minute * 60 + seconds;
    ${dst === null ? '' : `const dst = dsts[bytes[base + ${dst.at}]];\nif (dst < 0) return false;`}
    starts.local(${dst === null ? -1 : 'dst'});`;
}

const usageNames = { voice: 'usageS', sms: 'usageCount', mms: 'usageCount', data: 'usageOctets' } as const;

function usageOf({ kind, seconds, count, octets }: TypePlan): string | null {
  if (kind === null || !isUsage(kind)) return null;
  const parts: string[] = [];
  for (const [name, field, absent] of [
    ['usageS', seconds, 0],
    ['usageCount', count, 1],
    ['usageOctets', octets, 0],
  ] as const) {
    const part = field === null ? `const ${name} = ${absent};` : numberOf(field, name, 'false');
    if (part === null) return null;
    parts.push(part, `record.${name} = ${name};`);
  }
  if (kind === 'voice') parts.push('if (usageS > longestCallS) return false;');
  return `${parts.join('\n')}\nrecord.usage = ${usageNames[kind]};\nrecord.kind = kind;`;
}

function isUsage(kind: RecordKind): kind is keyof typeof usageNames {
  return kind in usageNames;
}

function codeFieldOf(field: FieldPlan | null): string | null {
  if (field === null || field.as !== 'digits' || field.end - field.at > 9) return null;
  return `
    ${digits('codeNumber', field.at, field.end - field.at, 'false')}
    const code = codes.findDigits(codeNumber, bytes, base + ${field.at}, base + ${field.end});
    if (code === null) return false;
    record.code = code;
    record.category = code.category;`;
}

function visitedOf({ visited, foreignIsRoaming }: TypePlan): string | null {
  if (visited === null) return `record.visited = '';`;
  const { as, at, end, optional } = visited;
  if (as !== 'digits' || end - at !== 6) return null;
  return `
    record.visited = '';
    if (view.getInt32(base + ${at}, true) === 0x20202020 && view.getInt16(base + ${at + 4}, true) === 0x2020) {
      if (code.roaming || ${!optional}) return false;
    } else {
      ${digits('mcc', at, 5, 'false')}
      const last = bytes[base + ${end - 1}];
      if (last !== 32 && (last ^ 48) > 9) return false;
      if (code.roaming || ${foreignIsRoaming}) {
        const network = visited.of(bytes, base + ${at}, last === 32 ? 5 : 6);
        if (code.roaming || !network.home) record.visited = network.text;
      }
    }`;
}

function moneyOf({ currency, vat }: TypePlan): string | null {
  if (currency !== null || (vat !== null && vat.end - vat.at > 8)) return null;
  const places = vat === null ? [] : Array.from({ length: vat.end - vat.at }, (_, index) => vat.at + index);
  return `
    if (record.providerAmountE8 !== record.providerAmountE8) return false;
    ${places.map((at) => `if (inVat[bytes[base + ${at}]] === 0) return false;`).join('\n')}
    record.vatFrom = ${vat === null ? 0 : `base + ${vat.at}`};
    record.vatTo = ${vat === null ? 0 : `base + ${vat.end}`};`;
}

function flagsOf({ inBundle, state, correction }: TypePlan): string | null {
  if (state !== null || inBundle?.flags === null || correction?.flags === null) return null;
  const bundle = `
    const bundle = bundles[bytes[base + ${inBundle?.at}]];
    if (bundle < 0) return false;
    record.inBundle = inBundle[bundle];`;
  return `
    ${inBundle === null ? 'record.inBundle = null;' : bundle}
    ${correction === null ? '' : `if (corrections[bytes[base + ${correction.at}]] !== 0) return false;`}
    record.correction = original;
    record.originalFrom = 0;
    record.originalTo = 0;`;
}
