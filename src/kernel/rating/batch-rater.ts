/**
 * The rater that a task asks for. A thread makes it once and keeps it until another one is asked for: a tariff is then compiled, and
 * the code that V8 makes of a function that exists once has the addresses of its tables in it (a quarter less time for prices).
 */
import type { TariffBundle } from '../../compute/tasks/messages.ts';
import { compileTariff } from '../../telecom/compile-tariff.ts';
import type { VersionDocument } from '../../telecom/tariff-schema.ts';
import type { KernelFile, KernelRating } from '../messages.ts';
import type { UsageKind } from '../usage-layout.ts';
import { type BatchRater, priceRater } from './price-list.ts';
import { rulesRater } from './rules-rater.ts';
import { alsoKeyedIn, singleRater } from './single-rater.ts';
import { noPrice, type ReasonOf, ruleReasons } from './unrated-reasons.ts';

export interface FileRater {
  readonly rate: BatchRater;
  /** Of a record that `rate` gave no amount. */
  readonly reasonOf: ReasonOf;
}

type RulesRating = KernelRating & { readonly by: 'rules' };

export type RaterOf = (file: KernelFile) => FileRater;

let kept: { readonly key: string; readonly rater: FileRater } | null = null;

export function batchRater({ rating, columns: { kinds } }: KernelFile): FileRater {
  const key =
    rating.by === 'prices'
      ? `prices ${rating.tables.hash}`
      : `rules ${JSON.stringify([rating.hash, rating.timeZone, rating.numberMask, kinds])}`;
  if (kept?.key !== key) {
    kept = {
      key,
      rater: rating.by === 'prices' ? { rate: priceRater(rating.tables), reasonOf: noPrice } : byRules(rating, kinds),
    };
  }
  return kept.rater;
}

function byRules({ tariff: json, timeZone, numberMask }: RulesRating, kinds: readonly UsageKind[]): FileRater {
  const document = JSON.parse(Buffer.from(json).toString('utf8')) as TariffBundle;
  const tariff = compileTariff(document, timeZone);
  const one = singleRater(tariff, kinds, numberMask);
  const rate = alsoKeyedIn(rulesRater(tariff, prefixesOf(document), kinds, numberMask), one);
  return { rate, reasonOf: ruleReasons(one) };
}

/** Every prefix that a rule of the tariff or of a fallback names. */
export function prefixesOf({ versions, fallbacks }: TariffBundle): string[] {
  const documents = [...versions, ...Object.values(fallbacks).flat()].map(
    ({ document }) => document as VersionDocument,
  );
  return documents.flatMap(({ rules }) => rules.flatMap(({ match }) => match.prefixes ?? []));
}
