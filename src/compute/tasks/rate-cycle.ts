/**
 * Rates one contract and cycle: a spool of `ratingSpoolColumns` rows in, a spool of `ratedSpoolColumns` rows out, in the same
 * order. Amounts are summed exactly. The output is removed when the task stops early; a malformed row is an error of ours and
 * ends the task.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { AllowanceUse } from '../../telecom/allowance.ts';
import { createAllowanceBook } from '../../telecom/allowance-book.ts';
import { compileTariff } from '../../telecom/compile-tariff.ts';
import { ExactSum } from '../../telecom/exact-sum.ts';
import { createRater } from '../../telecom/rating.ts';
import { CopyText } from '../copy-text.ts';
import type { TaskControl } from '../task-control.ts';
import type { RateCycleArgs, RateCycleResult } from './messages.ts';
import { RatingRows } from './rating-rows.ts';

const chunkBytes = 256 * 1024;

export async function rateCycle(args: RateCycleArgs, control: TaskControl): Promise<RateCycleResult> {
  const tariff = compileTariff(args.tariff, args.timeZone);
  const { allowances = [], cycleStart } = args;
  const book = allowances.length === 0 ? null : createAllowanceBook(allowances, cycleStart, tariff.localTime);
  const rater = createRater(tariff, book);
  const counts = { rated: 0, unrated: 0, excluded: 0 };
  const reasons: Record<string, number> = {};
  const amount = new ExactSum();
  const total = (await stat(args.recordsPath)).size;
  const out = new CopyText(args.ratedPath);
  let whole = false;
  try {
    const rows = new RatingRows((row) => {
      const rated = rater.rate(row, row.msisdn);
      counts[rated.status] += 1;
      if (rated.status === 'rated') amount.add(rated.amountE8);
      if (rated.status === 'unrated') reasons[rated.reason!] = (reasons[rated.reason!] ?? 0) + 1;
      out.plain(args.contractId);
      out.plain(args.cycleStart);
      out.plain(args.ratingRunId);
      out.bytes(row.bytes, row.idAt, row.idLength);
      out.plainOrNull(rated.version < 0 ? null : tariff.versions[rated.version]!.id);
      out.textOrNull(rated.rule);
      out.integer(rated.billedUsage);
      out.integer(rated.amountE8);
      out.plain(rated.status);
      out.textOrNull(rated.reason);
      out.plainOrNull(usedText(rated.allowances));
      out.plainOrNull(rated.finding);
      out.endRow();
    });
    let done = 0;
    for await (const chunk of createReadStream(args.recordsPath, { highWaterMark: chunkBytes })) {
      control.throwIfAborted();
      rows.push(chunk as Buffer);
      done += (chunk as Buffer).length;
      control.progress(done, total);
    }
    rows.end();
    out.close();
    whole = true;
  } finally {
    if (!whole) out.remove();
  }
  const records = counts.rated + counts.unrated + counts.excluded;
  return { records, ...counts, amountE8: amount.value, unratedReasons: reasons, allowances: book?.states() ?? [] };
}

/** JSON of allowance id and what was taken; null when nothing was. */
function usedText(uses: readonly AllowanceUse[]): string | null {
  if (uses.length === 0) return null;
  return `{${uses.map(({ allowance, used }) => `"${allowance.id}":${used}`).join(',')}}`;
}
