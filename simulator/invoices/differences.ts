/**
 * What is wrong on an invoice on purpose: one difference of each class, each on a total of its own, and what must be found
 * of it. A world that is too small for all of them gets those that it has totals for.
 */
import type { Random } from '../random.ts';
import type { TotalTruth } from '../truth.ts';
import { cents, type LineForm, type Period, vatCode } from './form.ts';

export interface ExpectedFinding {
  class: string;
  msisdn: string | null;
  category: string | null;
  /** Invoice minus own. */
  differenceE8: bigint;
}

export interface Charge {
  msisdn: string;
  category: string;
  records: number;
  quantity: number;
  covered: number | null;
  netE8: bigint;
  period: Period | null;
  /** Nobody has a record of it: a credit note takes it back. */
  wrongly: boolean;
}

export interface Charged {
  charges: Charge[];
  expected: ExpectedFinding[];
}

export interface ChargePlan {
  random: Random;
  totals: readonly TotalTruth[];
  /** A number that the account never had, and one that it had. */
  strangers: { unknown: string; former: string };
  /** Any month but that of the invoice. */
  otherPeriod: Period;
}

type Change = (total: TotalTruth, charge: Charge) => Charge[];

const averageOf = (total: TotalTruth) => total.amountE8 / total.records;
/** To four decimals, as amounts of records are. */
const e4 = (amountE8: bigint) => (amountE8 / 10_000n) * 10_000n;

const changes: readonly (readonly [string, Change])[] = [
  [
    'missing_cdr',
    (total, charge) => [{ ...charge, records: charge.records + 2, netE8: charge.netE8 + e4(2n * averageOf(total)) }],
  ],
  ['extra_cdr', () => []],
  ['rate_difference', (_total, charge) => [{ ...charge, netE8: charge.netE8 + e4(charge.netE8 / 5n) }]],
  ['rounding', (_total, charge) => [{ ...charge, netE8: charge.netE8 - 30_0000n }]],
  [
    'allowance_difference',
    (_total, charge) => [
      { ...charge, covered: 1 + Math.floor(charge.quantity / 4), netE8: charge.netE8 - e4(charge.netE8 / 4n) },
    ],
  ],
  ['duplicate_line', (_total, charge) => [charge, { ...charge, wrongly: true }]],
];

export function charged({ random, totals, strangers, otherPeriod }: ChargePlan): Charged {
  const usable = totals.filter(isUsable);
  const changed = new Map<TotalTruth, readonly [string, Change]>();
  for (const change of changes) {
    const left = usable.filter((total) => !changed.has(total));
    if (left.length > 0) changed.set(random.pick(left), change);
  }
  const charges: Charge[] = [];
  const expected: ExpectedFinding[] = [];
  for (const total of totals) {
    const own = chargeOf(total);
    const [name, change] = changed.get(total) ?? [null, null];
    const made = change === null ? (total.amountE8 === 0n ? [] : [own]) : change(total, own);
    charges.push(...made);
    if (name === null) continue;
    const differenceE8 = made.reduce((sum, charge) => sum + charge.netE8, 0n) - total.amountE8;
    expected.push({ class: name, msisdn: total.msisdn, category: total.category, differenceE8 });
  }
  const { msisdn } = random.pick(totals);
  const euro = () => BigInt(random.between(100, 2_500)) * 1_000_000n;
  for (const [name, number, category, period] of [
    ['recurring_without_subscription', strangers.unknown, 'recurring', null],
    ['subscription_ended', strangers.former, 'recurring', null],
    ['unknown_category', msisdn, 'service-pack', null],
    ['period_mismatch', msisdn, 'national-mobile', otherPeriod],
  ] as const) {
    const netE8 = euro();
    charges.push({ msisdn: number, category, records: 1, quantity: 1, covered: null, netE8, period, wrongly: true });
    expected.push({ class: name, msisdn: number, category, differenceE8: netE8 });
  }
  return { charges, expected };
}

/** Dear enough that what is changed of it is more than any tolerance, and wholly priced. */
function isUsable(total: TotalTruth): boolean {
  const isUsage = !['recurring', 'oneoff', 'credit', 'unknown'].includes(total.category);
  return isUsage && total.unrated === 0n && total.amountE8 >= 50_000_000n && averageOf(total) >= 6_000_000n;
}

function chargeOf(total: TotalTruth): Charge {
  const { msisdn, category, amountE8 } = total;
  const used = category.startsWith('data')
    ? total.usageOctets
    : category.startsWith('sms')
      ? total.usageCount
      : total.usageS;
  const quantity = Number(used === 0n ? total.usageCount : used);
  return {
    msisdn,
    category,
    records: Number(total.records),
    quantity,
    covered: null,
    netE8: amountE8,
    period: null,
    wrongly: false,
  };
}

export function lineForms(charges: readonly Charge[], text: (netE8: bigint) => string): LineForm[] {
  return charges.map(({ msisdn, category, records, quantity, covered, netE8, period }, index) => ({
    line: index + 1,
    msisdn,
    category,
    description: `Verbruik ${category}`,
    records,
    quantity,
    ...(covered !== null && { covered }),
    net: text(netE8),
    vatCode,
    ...(period !== null && { period }),
  }));
}

/** Net to cents, and the finding that this makes. */
export function roundedNet(charges: readonly Charge[]): { netE8: bigint; expected: ExpectedFinding[] } {
  const exactE8 = charges.reduce((sum, charge) => sum + charge.netE8, 0n);
  const netE8 = cents(exactE8);
  const difference = { class: 'rounding', msisdn: null, category: null, differenceE8: netE8 - exactE8 };
  return { netE8, expected: difference.differenceE8 === 0n ? [] : [difference] };
}
