/**
 * One subscription and category: our total against what the invoices charge for it. Whatever it comes to, the findings add up
 * to what is charged minus our total.
 *
 * 1. Equal: nothing. Within the line's tolerance: `rounding`.
 * 2. Lines that are equal in all they say, while one less would bring the sum nearer to ours: each such one is a
 *    `duplicate_line`. (Two equal messages are real; then our total has both.)
 * 3. We have nothing of it: the subscription ended before the period (`subscription_ended`), is not ours or not named for a
 *    fee (`recurring_without_subscription`), else its records never came (`missing_cdr`). Nothing is charged: `extra_cdr`.
 * 4. Different usage covered by allowances: `allowance_difference`.
 * 5. More or fewer records than ours: `missing_cdr` or `extra_cdr`. What one of them cost is in no total. When that many at our
 *    average explain at least half of the difference it is all theirs; otherwise that part is theirs and the rest is a
 *    `rate_difference`.
 * 6. As many records at another amount: `rate_difference`.
 */
import { formatAmountE8 } from '../telecom/money.ts';
import { difference, refOf, sum } from './difference.ts';
import type { Evidence, FindingClass, FoundDifference, InvoiceLine, OwnTotal } from './finding.ts';
import { roundedQuotient } from './rounded.ts';
import { lineToleranceE8, magnitude } from './tolerance.ts';
import { effectivePrice, unitOf } from './unit.ts';

export interface Group {
  readonly msisdn: string | null;
  readonly category: string;
  readonly own: OwnTotal | null;
  readonly lines: readonly InvoiceLine[];
  /** Undefined: the contract has none of this number. */
  readonly subscription: { readonly endedOn: string | null } | undefined;
  /** First day of the period. */
  readonly from: string;
}

interface Charged {
  readonly lines: readonly InvoiceLine[];
  readonly netE8: bigint;
  /** Null when a line does not say. */
  readonly records: number | null;
  readonly quantity: bigint | null;
  readonly covered: bigint | null;
}

export function compareGroup(group: Group): FoundDifference[] {
  const ownE8 = group.own?.amountE8 ?? 0n;
  const all = chargedBy(group.lines);
  const toleranceE8 = lineToleranceE8(Math.max(group.own?.records ?? 0, all.records ?? 0));
  if (magnitude(all.netE8 - ownE8) <= toleranceE8) {
    return finding(group, 'rounding', ownE8, all.netE8, evidenceOf(group, all));
  }
  const { kept, doubles } = withoutDoubles(group.lines, ownE8);
  const charged = chargedBy(kept);
  const like = doubles.length === 0 ? null : Map.groupBy(kept, sameness);
  return [
    ...doubles.flatMap((line) =>
      finding(group, 'duplicate_line', 0n, line.netE8, {
        lines: [refOf(line)],
        description: line.description,
        like: (like?.get(sameness(line)) ?? []).map(refOf),
      }),
    ),
    ...compareCharged(group, charged, ownE8, toleranceE8),
  ];
}

function compareCharged(group: Group, charged: Charged, ownE8: bigint, toleranceE8: bigint): FoundDifference[] {
  const diffE8 = charged.netE8 - ownE8;
  const evidence = evidenceOf(group, charged);
  const whole = (of: FindingClass, more: object = {}) =>
    finding(group, of, ownE8, charged.netE8, { ...evidence, ...more });
  if (magnitude(diffE8) <= toleranceE8) return whole('rounding');
  const { own } = group;
  if (own === null || own.records === 0) return whole(classOfUnknownCharge(group));
  if (charged.lines.length === 0) return whole('extra_cdr');
  if (isOtherwiseCovered(own, charged)) return whole('allowance_difference');
  const count = countPart(own, charged);
  if (count === null || count.sign * Number(diffE8 > 0n ? 1 : -1) < 0) return whole('rate_difference');
  const of = count.sign > 0 ? 'missing_cdr' : 'extra_cdr';
  const restE8 = diffE8 - count.amountE8;
  if (magnitude(restE8) <= magnitude(count.amountE8) || magnitude(restE8) <= toleranceE8) return whole(of);
  const average = { average: true };
  return [
    ...(of === 'missing_cdr'
      ? finding(group, of, 0n, count.amountE8, { ...evidence, ...average })
      : finding(group, of, -count.amountE8, 0n, { ...evidence, ...average })),
    ...finding(group, 'rate_difference', ownE8, charged.netE8 - count.amountE8, { ...evidence, ...average }),
  ];
}

function classOfUnknownCharge({ category, subscription, from }: Group): FindingClass {
  const endedOn = subscription?.endedOn ?? null;
  if (endedOn !== null && endedOn <= from) return 'subscription_ended';
  if (category === 'recurring' && subscription === undefined) return 'recurring_without_subscription';
  return 'missing_cdr';
}

function isOtherwiseCovered(own: OwnTotal, charged: Charged): boolean {
  if (charged.covered === null || charged.covered === own.covered) return false;
  return charged.records === null || charged.records === own.records;
}

/** What the records that one side has more would cost at our average; null when both have as many, or nobody says. */
function countPart(own: OwnTotal, charged: Charged): { sign: 1 | -1; amountE8: bigint } | null {
  if (charged.records !== null) {
    const more = BigInt(charged.records - own.records);
    if (more === 0n) return null;
    return { sign: more > 0n ? 1 : -1, amountE8: roundedQuotient(own.amountE8 * more, BigInt(own.records)) };
  }
  if (charged.quantity === null || own.usage <= 0n || charged.quantity === own.usage) return null;
  const more = charged.quantity - own.usage;
  return { sign: more > 0n ? 1 : -1, amountE8: roundedQuotient(own.amountE8 * more, own.usage) };
}

function chargedBy(lines: readonly InvoiceLine[]): Charged {
  const said = <T>(of: (line: InvoiceLine) => T | null): T[] | null => {
    const values = lines.map(of);
    return values.includes(null) || values.length === 0 ? null : (values as T[]);
  };
  const quantity = said((line) => line.quantity);
  const covered = said((line) => line.covered);
  return {
    lines,
    netE8: sum(lines.map((line) => line.netE8)),
    records: said((line) => line.records)?.reduce((all, one) => all + one, 0) ?? null,
    quantity: quantity === null ? null : sum(quantity),
    covered: covered === null ? null : sum(covered),
  };
}

/** Equal lines go one by one, the last first, as long as that brings the sum nearer to ours. Linear: a group may have thousands. */
function withoutDoubles(lines: readonly InvoiceLine[], ownE8: bigint): { kept: InvoiceLine[]; doubles: InvoiceLine[] } {
  const before = new Map<string, number>();
  const keys = lines.map(sameness);
  for (const key of keys) before.set(key, (before.get(key) ?? 0) + 1);
  const doubles = new Set<InvoiceLine>();
  let diffE8 = sum(lines.map((line) => line.netE8)) - ownE8;
  for (const [index, line] of [...lines.entries()].reverse()) {
    const equalBefore = before.get(keys[index]!)! - 1;
    before.set(keys[index]!, equalBefore);
    if (equalBefore === 0 || magnitude(diffE8 - line.netE8) >= magnitude(diffE8)) continue;
    doubles.add(line);
    diffE8 -= line.netE8;
  }
  return { kept: lines.filter((line) => !doubles.has(line)), doubles: lines.filter((line) => doubles.has(line)) };
}

function sameness(line: InvoiceLine): string {
  const { description, records, quantity, unitPriceE8, per, netE8, periodFrom, periodTo } = line;
  return [description, records, quantity, unitPriceE8, per, netE8, periodFrom, periodTo].join('\u0000');
}

function evidenceOf({ own, category }: Group, charged: Charged): Evidence {
  const stated = charged.lines.flatMap(({ unitPriceE8, per }) =>
    unitPriceE8 === null ? [] : [`${formatAmountE8(unitPriceE8)} per ${per ?? 1n}`],
  );
  return {
    lines: charged.lines.map(refOf),
    unit: unitOf(category).name,
    own: own && {
      records: own.records,
      ...(own.unrated > 0 ? { unrated: own.unrated } : {}),
      usage: String(own.usage),
      covered: String(own.covered),
      price: effectivePrice(category, own.amountE8, own.usage),
      fileAmount: formatAmountE8(own.fileAmountE8),
    },
    provider: {
      records: charged.records,
      usage: charged.quantity === null ? null : String(charged.quantity),
      covered: charged.covered === null ? null : String(charged.covered),
      price: effectivePrice(category, charged.netE8, charged.quantity),
      statedPrices: [...new Set(stated)],
    },
  };
}

function finding(
  { msisdn, category }: Group,
  of: FindingClass,
  ownE8: bigint,
  providerE8: bigint,
  evidence: Evidence,
): FoundDifference[] {
  return difference({ basis: 'net', class: of, msisdn, category, ownE8, providerE8, evidence });
}
