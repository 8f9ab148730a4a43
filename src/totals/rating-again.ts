/**
 * Rates stored records once more, each with what its price came from: those of an open cycle with today's tariff, those of a
 * closed one, and those that adjust one, with the versions that the closed cycle was rated with. A contract that has no tariff any more
 * is explained by the versions that its totals were rated with.
 */
import type { TariffBundle } from '../compute/tasks/messages.ts';
import type { ReadSession } from '../database/session.ts';
import type { Allowance } from '../telecom/allowance.ts';
import { createAllowanceBook } from '../telecom/allowance-book.ts';
import { compileTariff } from '../telecom/compile-tariff.ts';
import { createRater } from '../telecom/rating.ts';
import type { RateableRecord, RatedRecord } from '../telecom/record.ts';
import { readAllowances } from './allowance-store.ts';
import { readClosedTariff } from './rate-adjustments.ts';
import { readTariff } from './tariff-store.ts';

/** What one record took from allowances when its cycle was rated: it is not consumed anew. */
export interface Taken {
  readonly msisdn: string;
  readonly allowanceUsed: Readonly<Record<string, number>> | null;
}

export interface RatingAgain {
  /** Code of the tariff. */
  readonly tariff: string;
  rate(record: RateableRecord, taken: Taken): RatedRecord;
}

const terms = 'select tariff_id as "tariffId", time_zone as "timeZone" from contract where id = $1';

/** `adjusted`: the closed cycles that some of the records adjust. The key of a cycle's own records is null. */
export async function openRatingAgain(
  session: ReadSession,
  contractId: string,
  cycle: { readonly start: string; readonly closed: boolean },
  adjusted: Iterable<string>,
): Promise<ReadonlyMap<string | null, RatingAgain>> {
  const [contract] = await session.query<{ tariffId: string | null; timeZone: string }>(terms, [contractId]);
  const { tariffId, timeZone } = contract!;
  const own =
    cycle.closed || tariffId === null
      ? await readClosedTariff(session, contractId, cycle.start)
      : await readTariff(session, tariffId);
  const allowances = await readAllowances(session, contractId);
  const again = new Map<string | null, RatingAgain>([
    [null, createRatingAgain(own.bundle, timeZone, allowances, cycle.start)],
  ]);
  for (const start of new Set(adjusted)) {
    const { bundle } = await readClosedTariff(session, contractId, start);
    again.set(start, createRatingAgain(bundle, timeZone, [], start));
  }
  return again;
}

function createRatingAgain(
  tariff: TariffBundle,
  timeZone: string,
  allowances: readonly Allowance[],
  cycle: string,
): RatingAgain {
  const compiled = compileTariff(tariff, timeZone);
  const book = createAllowanceBook(allowances, cycle, compiled.localTime);
  const rater = createRater(compiled, book);
  return {
    tariff: tariff.code,
    rate(record, { msisdn, allowanceUsed }) {
      book.leave(msisdn, allowanceUsed ?? {});
      return rater.rate(record, msisdn);
    },
  };
}
