/** Alerts of records that have no price, and of the call codes that nobody knows. */
import type { Alerts } from '../alerts/alerts.ts';
import type { ReadSession } from '../database/session.ts';
import type { RatedCycle } from './rate-cycles.ts';

export const unknownCodeRule = 'file.unknown-call-code';

/** `about`: `<customer>/<account>`. */
export function unknownCodeSubject(about: string, code: string): string {
  return `${about} code ${code}`;
}

/** A record without a price adds nothing to its total, so somebody must know of it (domain.md section 1). */
export function reportUnrated(alerts: Alerts, about: string, { cycleStart, result }: RatedCycle): void {
  const rule = 'totals.unrated';
  const subject = `${about}/${cycleStart}`;
  if (result.unrated === 0) {
    alerts.resolve(rule, subject);
    return;
  }
  alerts.raise({
    rule,
    subject,
    level: 'warning',
    message: `${result.unrated} of ${result.records} records of cycle ${cycleStart} of ${about} have no price and count as nothing in its totals; mend the tariff, then: linekeeper totals recalculate`,
    detail: { ...result.unratedReasons },
  });
}

/** None when something of another cycle is unrated: it may be for that. */
const endedSubjects = `
  select subject from alert where rule = $1 and state = 'open' and starts_with(subject, $2) and not exists (
    select from cycle y join rating_run r on r.id = y.rating_run_id
    where y.contract_id = $3 and y.state in ('open', 'grace') and r.unrated > 0 and y.cycle_start <> all ($4::date[]))`;

/** After cycles of a contract were rated: when no call code is unknown any more, their alerts end. */
export async function endUnknownCodes(
  session: ReadSession,
  alerts: Alerts,
  { contractId, about, rated }: { contractId: string; about: string; rated: readonly RatedCycle[] },
): Promise<void> {
  if (rated.some(({ result }) => result.unratedReasons['unknown-call-code'] !== undefined)) return;
  const starts = rated.map(({ cycleStart }) => cycleStart);
  const values = [unknownCodeRule, unknownCodeSubject(about, ''), contractId, starts];
  const ended = await session.query<{ subject: string }>(endedSubjects, values);
  for (const { subject } of ended) alerts.resolve(unknownCodeRule, subject);
}
