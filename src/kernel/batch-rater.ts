/** The rater that a task asks for. A tariff is compiled once in a thread and kept until another one is asked for. */
import type { TariffBundle } from '../compute/tasks/messages.ts';
import { compileTariff } from '../telecom/compile-tariff.ts';
import type { VersionDocument } from '../telecom/tariff-schema.ts';
import type { KernelFile } from './messages.ts';
import { type BatchRater, priceRater } from './price-list.ts';
import { rulesRater } from './rules-rater.ts';

let kept: { readonly key: string; readonly rate: BatchRater } | null = null;

export function batchRater({ rating, columns }: KernelFile): BatchRater {
  if (rating.by === 'prices') return priceRater(rating.tables);
  const key = JSON.stringify([rating.hash, rating.timeZone, rating.numberMask, columns.kinds]);
  if (kept?.key !== key) {
    const document = JSON.parse(Buffer.from(rating.tariff).toString('utf8')) as TariffBundle;
    const tariff = compileTariff(document, rating.timeZone);
    kept = { key, rate: rulesRater(tariff, prefixesOf(document), columns.kinds, rating.numberMask) };
  }
  return kept.rate;
}

/** Every prefix that a rule of the tariff or of a fallback names. */
export function prefixesOf({ versions, fallbacks }: TariffBundle): string[] {
  const documents = [...versions, ...Object.values(fallbacks).flat()].map(
    ({ document }) => document as VersionDocument,
  );
  return documents.flatMap(({ rules }) => rules.flatMap(({ match }) => match.prefixes ?? []));
}
