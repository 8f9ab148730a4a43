/** Alerts of records that have no price, and of the call codes that nobody knows. */
import type { Alerts } from '../alerts/alerts.ts';
import type { ReadSession } from '../database/session.ts';
import type { RatedCycle } from './rate-cycles.ts';

export const unknownCodeRule = 'file.unknown-call-code';

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

const unratedElsewhere = `
  select exists (select from cycle y join rating_run r on r.id = y.rating_run_id
    where y.contract_id = $1 and y.state in ('open', 'grace') and r.unrated > 0 and y.cycle_start <> all ($2::date[])) as "isUnrated"`;

/** After cycles of a contract were rated: is a call code still unknown? Other cycles say only that something is unrated. */
export async function endUnknownCode(
  session: ReadSession,
  alerts: Alerts,
  contractId: string,
  about: string,
  rated: readonly RatedCycle[],
): Promise<void> {
  if (rated.some(({ result }) => result.unratedReasons['unknown-call-code'] !== undefined)) return;
  const starts = rated.map(({ cycleStart }) => cycleStart);
  const [elsewhere] = await session.query<{ isUnrated: boolean }>(unratedElsewhere, [contractId, starts]);
  if (!elsewhere!.isUnrated) alerts.resolve(unknownCodeRule, about);
}
