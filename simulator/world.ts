/**
 * The simulated world as it is written: the files of every account, the tariffs, and the truth, with and without the
 * re-deliveries of the fault plan.
 */
import { type Account, accounts } from './account.ts';
import type { ZoneSetsForm } from './allowance-form.ts';
import { type Calendar, calendar } from './calendar.ts';
import { deliveries } from './deliveries.ts';
import type { Rating } from './evaluator/rate.ts';
import { tariffBook } from './evaluator/tariff-book.ts';
import { wallClock } from './evaluator/wall-clock.ts';
import type { Fault } from './fault-plan.ts';
import { type AccountFiles, accountFiles, type Expectation } from './faults.ts';
import type { TariffForm } from './tariff-form.ts';
import { allTariffs, changesOf, kpnZones, withAllowances } from './tariffs/catalogue.ts';
import { accountTruth, type CycleTruth } from './truth.ts';
import type { UsageRecord } from './usage-record.ts';

export interface WorldPlan {
  seed: number;
  customers: number;
  subs: number;
  months: readonly string[];
  records: number;
  faults: readonly Fault[];
}

export interface World {
  plan: WorldPlan;
  calendar: Calendar;
  accounts: Account[];
  tariffs: TariffForm[];
  zoneSets: ZoneSetsForm[];
}

export interface TruthForm {
  seed: number;
  cycles: (CycleTruth & { refused?: string[]; blocked?: string[]; quarantined?: { file: string; line: number }[] })[];
}

const timeZone = 'Europe/Amsterdam';

export function createWorld(plan: WorldPlan): World {
  return {
    plan,
    calendar: calendar(timeZone),
    accounts: accounts(plan, timeZone).map(withAllowances),
    tariffs: allTariffs(timeZone),
    zoneSets: [kpnZones(timeZone)],
  };
}

/** The lines are spread evenly over accounts and months; the first files get one more when that does not divide. */
export function filesOf(world: World, account: Account): AccountFiles {
  const { plan, calendar } = world;
  const { months } = plan;
  const files = plan.customers * months.length;
  const lines = months.map((_month, index) => {
    const position = account.index * months.length + index;
    return Math.floor(plan.records / files) + (position < plan.records % files ? 1 : 0);
  });
  const tariff = world.tariffs.find((candidate) => candidate.tariff === account.tariff);
  const tariffChanges = tariff === undefined ? [] : changesOf(tariff);
  const delivered = deliveries({ seed: plan.seed, account, calendar, months, lines, tariffChanges });
  return accountFiles({ account, calendar, months, lines: delivered, faults: plan.faults });
}

export function ratingOf(world: World): Rating {
  return { book: tariffBook(world.tariffs, world.zoneSets), clock: wallClock(timeZone) };
}

/** `linesOf`: the lines that count per account, file by file. */
export function truthOf(
  world: World,
  list: readonly { account: Account; files: AccountFiles }[],
  linesOf: (files: AccountFiles) => readonly UsageRecord[][],
): TruthForm {
  const rating = ratingOf(world);
  const cycles = list.flatMap(({ account, files }) =>
    accountTruth(account, linesOf(files).flat(), world.calendar, rating).map((cycle) => ({
      ...cycle,
      ...remarks(files.expectations, cycle.cycleStart),
    })),
  );
  return { seed: world.plan.seed, cycles };
}

/** Only what there is: a world without faults has no remarks. */
function remarks(expectations: readonly Expectation[], cycleStart: string): Partial<TruthForm['cycles'][number]> {
  const here = expectations.filter((expectation) => expectation.cycles.includes(cycleStart));
  const refused = here.filter((expectation) => expectation.fate === 'refused').map(({ file }) => file);
  const blocked = here.filter((expectation) => expectation.fate === 'blocked').map(({ file }) => file);
  const quarantined = here.flatMap(({ file, badLines }) => badLines.map((line) => ({ file, line })));
  return {
    ...(refused.length > 0 && { refused }),
    ...(blocked.length > 0 && { blocked }),
    ...(quarantined.length > 0 && { quarantined }),
  };
}
