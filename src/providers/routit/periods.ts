/**
 * Which months to ask for: from the first that is wanted to the present one. A month that was asked for after its records could
 * still come late (`lateDays`) is not asked for again, unless the task is forced.
 */

export interface AskedPeriod {
  /** `2026-10` */
  readonly period: string;
  /** ISO date in the contract's zone. */
  readonly askedOn: string;
}

/** All dates are ISO dates in the contract's zone. Ascending. */
export function periodsToAsk(plan: {
  readonly since: string | null;
  readonly today: string;
  readonly lateDays: number;
  readonly asked: readonly AskedPeriod[];
  readonly force: boolean;
}): readonly string[] {
  const today = Temporal.PlainDate.from(plan.today);
  const first = plan.since === null ? today.subtract({ months: 3 }) : Temporal.PlainDate.from(plan.since);
  const periods: string[] = [];
  for (
    let month = first.with({ day: 1 });
    Temporal.PlainDate.compare(month, today) <= 0;
    month = month.add({ months: 1 })
  ) {
    const period = month.toString().slice(0, 7);
    const settledOn = month.add({ months: 1 }).add({ days: plan.lateDays }).toString();
    const last = plan.asked.find((one) => one.period === period);
    if (plan.force || last === undefined || last.askedOn <= settledOn) periods.push(period);
  }
  return periods;
}
