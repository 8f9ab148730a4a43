/** The rater that a task asks for. A tariff is compiled once in a thread and kept until another one is asked for. */
import type { TariffBundle } from '../../compute/tasks/messages.ts';
import { compileTariff } from '../../telecom/compile-tariff.ts';
import type { VersionDocument } from '../../telecom/tariff-schema.ts';
import type { KernelFile } from '../messages.ts';
import { type BatchRater, priceRater } from './price-list.ts';
import { rulesRater } from './rules-rater.ts';
import { alsoKeyedIn, singleRater } from './single-rater.ts';
import { noPrice, type ReasonOf, ruleReasons } from './unrated-reasons.ts';

export interface FileRater {
  readonly rate: BatchRater;
  /** Of a record that `rate` gave no amount. */
  readonly reasonOf: ReasonOf;
}

export type RaterOf = (file: KernelFile) => FileRater;

let kept: { readonly key: string; readonly rater: FileRater } | null = null;

export function batchRater({ rating, columns: { kinds } }: KernelFile): FileRater {
  if (rating.by === 'prices') return { rate: priceRater(rating.tables), reasonOf: noPrice };
  const { hash, timeZone, numberMask } = rating;
  const key = JSON.stringify([hash, timeZone, numberMask, kinds]);
  if (kept?.key !== key) {
    const document = JSON.parse(Buffer.from(rating.tariff).toString('utf8')) as TariffBundle;
    const tariff = compileTariff(document, timeZone);
    const one = singleRater(tariff, kinds, numberMask);
    const rate = alsoKeyedIn(rulesRater(tariff, prefixesOf(document), kinds, numberMask), one);
    kept = { key, rater: { rate, reasonOf: ruleReasons(one) } };
  }
  return kept.rater;
}

/** Every prefix that a rule of the tariff or of a fallback names. */
export function prefixesOf({ versions, fallbacks }: TariffBundle): string[] {
  const documents = [...versions, ...Object.values(fallbacks).flat()].map(
    ({ document }) => document as VersionDocument,
  );
  return documents.flatMap(({ rules }) => rules.flatMap(({ match }) => match.prefixes ?? []));
}
