/**
 * What became of the findings of the reconciliation before. A finding is the same one when class, subscription, category and
 * what it is about are. What a person decided about it holds as long as the difference is the same:
 *
 * - accepted and resolved: when the amount changed it is open again, and says so;
 * - disputed: stays disputed whatever the amount is now, also when its class is another one by now;
 * - disputed and gone (the credit note came, or the records did): it stays as `resolved` with nothing left of it;
 * - open and gone: it is gone.
 *
 * New ones are open, except rounding while all of it together is within the invoice's tolerance: that accepts it.
 */
import { formatAmountE8 } from '../telecom/money.ts';
import { sum } from './difference.ts';
import type { FindingState, FoundDifference, Reconciled } from './finding.ts';
import { magnitude } from './tolerance.ts';

export interface Decision {
  readonly state: FindingState;
  readonly by: string | null;
  readonly why: string | null;
}

export interface DecidedDifference extends FoundDifference, Decision {
  readonly identity: string;
  /** When it was decided; null: now. */
  readonly at: Date | null;
}

/** Who accepts rounding. */
export const byTolerance = 'tolerance';

export function carriedOver(
  reconciled: Reconciled,
  before: readonly DecidedDifference[],
  /** Why a difference is gone, such as `credit note 17`. */
  whyGone: string,
): DecidedDifference[] {
  const rounding = reconciled.findings.filter((found) => found.class === 'rounding');
  const within = magnitude(sum(rounding.map((found) => found.diffE8))) <= reconciled.toleranceE8;
  const byIdentity = new Map(before.map((one) => [one.identity, one]));
  const used = new Set<string>();
  const decided = reconciled.findings.map((found) => {
    const identity = identityOf(found);
    const earlier = byIdentity.get(identity);
    if (earlier !== undefined) used.add(identity);
    return { ...found, identity, ...decisionOn(found, earlier, within) };
  });
  const gone = before.filter((one) => !used.has(one.identity));
  const result = decided.map((one) => {
    const disputed =
      one.state === 'open' ? gone.find((old) => old.state === 'disputed' && isSameSubject(old, one)) : undefined;
    if (disputed === undefined) return one;
    used.add(disputed.identity);
    const why = `${disputed.why ?? 'disputed'} (as ${disputed.class}, ${formatAmountE8(disputed.diffE8)})`;
    return { ...one, state: 'disputed' as const, by: disputed.by, why, at: disputed.at };
  });
  const settled = gone.filter((one) => !used.has(one.identity)).flatMap((one) => settledOf(one, whyGone));
  return [...result, ...settled];
}

type Decided = Decision & { readonly at: Date | null };

function decisionOn(found: FoundDifference, earlier: DecidedDifference | undefined, within: boolean): Decided {
  if (earlier?.state === 'disputed') return { state: 'disputed', by: earlier.by, why: earlier.why, at: earlier.at };
  const isPersons = earlier !== undefined && earlier.state !== 'open' && earlier.by !== byTolerance;
  if (isPersons && earlier.diffE8 === found.diffE8) {
    return { state: earlier.state, by: earlier.by, why: earlier.why, at: earlier.at };
  }
  if (isPersons) {
    const why = `was ${earlier.state} by ${earlier.by} at ${formatAmountE8(earlier.diffE8)}: ${earlier.why}`;
    return { state: 'open', by: null, why, at: null };
  }
  if (found.class === 'rounding' && within)
    return { state: 'accepted', by: byTolerance, why: 'within tolerance', at: null };
  return { state: 'open', by: null, why: null, at: null };
}

/** What was disputed stays to be seen; what was settled before stays as it was. */
function settledOf(one: DecidedDifference, whyGone: string): DecidedDifference[] {
  if (one.state === 'resolved' && one.diffE8 === 0n) return [one];
  if (one.state !== 'disputed') return [];
  const why = `${one.why ?? 'disputed'}; settled by ${whyGone}`;
  const was = { ownE8: formatAmountE8(one.ownE8), providerE8: formatAmountE8(one.providerE8) };
  const evidence = { ...one.evidence, was };
  return [{ ...one, providerE8: one.ownE8, diffE8: 0n, evidence, state: 'resolved', why, at: null }];
}

function isSameSubject(one: FoundDifference, other: FoundDifference): boolean {
  if (one.basis !== other.basis || one.msisdn === null) return false;
  return one.msisdn === other.msisdn && one.category === other.category;
}

/** What there is one of in a reconciliation. */
export function identityOf({ basis, class: of, msisdn, category, evidence }: FoundDifference): string {
  const lines = of === 'duplicate_line' ? evidence.lines : undefined;
  const { invoice, vatCode, period } = evidence as { invoice?: unknown; vatCode?: unknown; period?: unknown };
  return JSON.stringify([
    basis,
    of,
    msisdn,
    category,
    lines,
    invoice,
    vatCode,
    of === 'period_mismatch' ? period : undefined,
  ]);
}
