/**
 * Numbers as people write them, read from bytes as exact integers: nothing passes through a binary fraction. Answers NaN for
 * what is malformed, does not fit the unit exactly, or is beyond 2^53.
 */
import { readDigits } from './digits.ts';

export interface NumberForm {
  /** Byte between whole and fraction; 0 when there is none. */
  readonly point: number;
  /** Byte that may stand between thousands; 0 for none. */
  readonly thousands: number;
  readonly sign: 'leading' | 'trailing' | null;
  /** The answer for 1. */
  readonly unit: number;
  /** What is left of a unit counts as one (octets of a volume in kilobytes); else it is malformed. */
  readonly roundUp: boolean;
}

const minus = 45;
const plus = 43;
const mostDigits = 15;

/** Usage and amounts: `1.234,56` with unit 100 is 123456. Blanks on the right are passed over. */
export function readNumber(bytes: Uint8Array, first: number, last: number, form: NumberForm): number {
  let from = first;
  let to = last;
  while (to > from && bytes[to - 1] === 32) to -= 1;
  let negative = false;
  if (form.sign === 'trailing') {
    const sign = bytes[to - 1];
    if (to === from || (sign !== minus && sign !== plus)) return Number.NaN;
    negative = sign === minus;
    to -= 1;
  } else if (form.sign === 'leading' && to > from && (bytes[from] === minus || bytes[from] === plus)) {
    negative = bytes[from] === minus;
    from += 1;
  }
  const plain = form.point === 0 && form.thousands === 0;
  const value = plain ? whole(bytes, from, to, form.unit) : unsigned(bytes, from, to, form);
  return negative ? 0 - value : value;
}

/** Digits and nothing else, which most layouts have: several times faster. */
function whole(bytes: Uint8Array, from: number, to: number, unit: number): number {
  if (to <= from || to - from > mostDigits) return Number.NaN;
  const value = readDigits(bytes, from, to - from) * unit;
  return value < 0 || value > Number.MAX_SAFE_INTEGER ? Number.NaN : value;
}

function unsigned(bytes: Uint8Array, from: number, to: number, form: NumberForm): number {
  let value = 0;
  let digits = 0;
  let decimals = -1;
  /** Where the last separator of thousands stood; -1 for none. */
  let group = -1;
  let index = from;
  for (; index < to; index += 1) {
    const byte = bytes[index]!;
    const digit = byte - 48;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      if (value > 0) digits += 1;
      if (decimals >= 0) decimals += 1;
    } else if (byte === form.point && byte !== 0 && decimals < 0 && index > from) {
      if (group >= 0 && index - group !== 4) return Number.NaN;
      group = -1;
      decimals = 0;
    } else if (byte === form.thousands && byte !== 0 && decimals < 0 && index > from) {
      if (group < 0 ? index - from > 3 : index - group !== 4) return Number.NaN;
      group = index;
    } else {
      return Number.NaN;
    }
  }
  if (index === from || decimals === 0 || digits > mostDigits || (group >= 0 && index - group !== 4)) return Number.NaN;
  return scaled(value, Math.max(0, decimals), form);
}

/** value x unit / 10^decimals. */
function scaled(value: number, decimals: number, { unit, roundUp }: NumberForm): number {
  let multiplier = unit;
  let rest = decimals;
  while (rest > 0 && multiplier % 10 === 0) {
    multiplier /= 10;
    rest -= 1;
  }
  let digits = value;
  while (rest > 0 && digits % 10 === 0) {
    digits /= 10;
    rest -= 1;
  }
  const product = digits * multiplier;
  if (!Number.isSafeInteger(product)) return Number.NaN;
  if (rest === 0) return product;
  const divisor = 10 ** rest;
  const left = product % divisor;
  if (left === 0) return product / divisor;
  return roundUp ? (product - left) / divisor + 1 : Number.NaN;
}

/** `27:00:05` as seconds: any number of hours. */
export function readClock(bytes: Uint8Array, from: number, to: number): number {
  const parts = /^(\d{1,6}):([0-5]\d):([0-5]\d) *$/.exec(ascii(bytes, from, to));
  return parts ? Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3]) : Number.NaN;
}

/** `PT1M3S` as seconds; days are 24 hours, and fractions of a second are cut off. */
export function readIsoDuration(bytes: Uint8Array, from: number, to: number): number {
  const parts = /^P(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,10})(?:\.\d+)?S)?)? *$/.exec(
    ascii(bytes, from, to),
  );
  if (!parts || parts.slice(1).every((part) => part === undefined)) return Number.NaN;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  return days * 86_400 + hours * 3600 + minutes * 60 + seconds;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return to - from > 40 ? '' : String.fromCharCode(...bytes.subarray(from, to));
}
