/**
 * Allowances, naively: only what was taken is remembered, as whole numbers of any size; what is left is worked out anew for every
 * record. Records must be asked for in order of start, then of their id.
 */
import type { AllowanceForm } from '../allowance-form.ts';
import { type Fraction, fractionOfDecimal } from './fraction.ts';

/** EUR per GB (10^9 octets) of EU roaming data, from this year on. */
const wholesaleCaps: readonly (readonly [year: number, eur: string])[] = [
  [2022, '2.00'],
  [2023, '1.80'],
  [2024, '1.55'],
  [2025, '1.30'],
  [2026, '1.10'],
  [2027, '1.00'],
];

const unitSizes: Readonly<Record<AllowanceForm['unit'], bigint>> = {
  s: 1n,
  min: 60n,
  messages: 1n,
  octets: 1n,
  MB: 1_000_000n,
  GB: 1_000_000_000n,
  MiB: 1_048_576n,
  GiB: 1_073_741_824n,
};

/** Who has it: one subscriber, or the whole contract. */
export interface Holding {
  form: AllowanceForm;
  msisdn: string | null;
}

export interface Claim {
  kind: string;
  category: string;
  msisdn: string;
  /** Of the start; null at home. */
  zone: string | null;
  /** Local date of the start, such as `2026-04-01`. */
  localDate: string;
  usage: number;
  widened: number;
}

/** How many units of the widened usage are covered, from the first on. */
export type Bundles = (claim: Claim) => number;

/** The allowances of one contract in one cycle, whose first local date is `cycleStart`. */
export function bundles(holdings: readonly Holding[], cycleStart: string): Bundles {
  /** What was taken from a holding in all zones, or in one, by whoever shares it. */
  const taken = new Map<string, bigint>();
  const ordered = [...holdings].sort(byPrecedence);

  const keyOf = (holding: Holding, claim: Claim, zone: string) =>
    `${ordered.indexOf(holding)} ${holding.form.shared === true ? '' : claim.msisdn} ${zone}`;

  function left(holding: Holding, claim: Claim): bigint {
    const { amount, unit, fairUse } = holding.form;
    const all = BigInt(amount) * unitSizes[unit] - (taken.get(keyOf(holding, claim, 'all')) ?? 0n);
    if (fairUse === undefined || !fairUse.zones.includes(placeOf(claim))) return all;
    const limit = fairUseLimit(fairUse.monthlyPrice, Number(cycleStart.slice(0, 4)));
    if (limit === null) return all;
    const abroad = fairUse.zones.map((zone) => taken.get(keyOf(holding, claim, zone)) ?? 0n);
    const fair = limit - abroad.reduce((sum, units) => sum + units, 0n);
    return [fair, all].toSorted((a, b) => (a < b ? -1 : 1))[0]!;
  }

  return (claim) => {
    const widened = BigInt(claim.widened);
    const usage = BigInt(claim.usage);
    let covered = 0n;
    for (const holding of ordered) {
      if (covered >= widened || !isFor(holding, claim)) continue;
      const rest = left(holding, claim);
      if (rest <= 0n) continue;
      const { increment } = holding.form;
      const open = increment === undefined || covered >= usage ? widened - covered : usage - covered;
      const asked = increment === undefined ? open : upToMultiple(open, BigInt(increment));
      let units = asked;
      if (rest < asked) units = rest;
      for (const zone of ['all', placeOf(claim)]) {
        const key = keyOf(holding, claim, zone);
        taken.set(key, (taken.get(key) ?? 0n) + units);
      }
      covered = units >= open ? widened : covered + units;
    }
    return Number(covered);
  };
}

/** 2 x price / cap, in whole octets; null before there was a cap. */
export function fairUseLimit(monthlyPrice: string, year: number): bigint | null {
  const cap = wholesaleCaps.findLast(([from]) => from <= year)?.[1];
  if (cap === undefined) return null;
  const price: Fraction = fractionOfDecimal(monthlyPrice);
  const perGb: Fraction = fractionOfDecimal(cap);
  return (2n * price.numerator * perGb.denominator * 1_000_000_000n) / (price.denominator * perGb.numerator);
}

function placeOf(claim: Claim): string {
  return claim.zone ?? 'home';
}

function isFor({ form, msisdn }: Holding, claim: Claim): boolean {
  if (form.kind !== claim.kind || (msisdn !== null && msisdn !== claim.msisdn)) return false;
  if (!form.scope.categories.includes(claim.category)) return false;
  if (!(form.scope.zones ?? ['home']).includes(placeOf(claim))) return false;
  if (form.validFrom !== undefined && claim.localDate < form.validFrom) return false;
  return form.validTo === undefined || claim.localDate < form.validTo;
}

/** Highest priority, then the subscriber's own, then by name. */
function byPrecedence(a: Holding, b: Holding): number {
  const priority = (b.form.priority ?? 0) - (a.form.priority ?? 0);
  if (priority !== 0) return priority;
  const own = Number(a.msisdn === null) - Number(b.msisdn === null);
  if (own !== 0) return own;
  return a.form.name < b.form.name ? -1 : 1;
}

function upToMultiple(units: bigint, increment: bigint): bigint {
  return ((units + increment - 1n) / increment) * increment;
}
