/** The rater that a task asks for. A tariff is compiled once in a thread and kept until another one is asked for. */
import type { TariffBundle } from '../compute/tasks/messages.ts';
import { compileTariff } from '../telecom/compile-tariff.ts';
import type { CompiledTariff } from '../telecom/compiled-tariff.ts';
import type { KernelFile } from './messages.ts';
import { type BatchRater, priceRater } from './price-list.ts';
import { rulesRater } from './rules-rater.ts';

let kept: { readonly key: string; readonly tariff: CompiledTariff } | null = null;

export function batchRater({ rating, columns }: KernelFile): BatchRater {
  if (rating.by === 'prices') return priceRater(rating.tables);
  const key = `${rating.hash} ${rating.timeZone}`;
  if (kept?.key !== key) {
    const document = JSON.parse(Buffer.from(rating.tariff).toString('utf8')) as TariffBundle;
    kept = { key, tariff: compileTariff(document, rating.timeZone) };
  }
  return rulesRater(kept.tariff, columns.kinds, rating.numberMask);
}
