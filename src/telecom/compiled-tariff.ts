/** A tariff ready for rating: what `compileTariff` builds once per thread and task, and only reads afterwards. */
import type { ChargeTerms } from './charge.ts';
import type { LocalTime } from './local-time.ts';
import type { RuleLookup } from './rule-lookup.ts';
import type { VersionList } from './version-list.ts';

export interface CompiledTariff {
  readonly code: string;
  readonly localTime: LocalTime;
  /** Oldest first; `RatedRecord.version` is an index into it, and `versions[i].id` is the id that was passed in. */
  readonly versions: readonly CompiledVersion[];
  readonly validity: VersionList;
}

export interface CompiledVersion {
  readonly index: number;
  readonly id: string;
  /** Exact start and end, UTC ms; the end is exclusive and Infinity when open. */
  readonly fromMs: number;
  readonly toMs: number;
  /** A voice call that runs over a version change continues in the new version. */
  readonly split: boolean;
  /** Versions of the fallback tariff; null when none is named or it has none. */
  readonly fallback: VersionList | null;
  readonly voice: RuleLookup;
  readonly sms: RuleLookup;
  readonly mms: RuleLookup;
  readonly data: RuleLookup;
}

export interface CompiledRule extends ChargeTerms {
  /** The rule's id; of a fallback tariff's rule `code/id`. */
  readonly name: string;
  /** Position in the version's document. */
  readonly order: number;
  readonly weight: number;
  /** A call that costs more than the cap should have been ended by the provider. */
  readonly disconnects: boolean;
  /** Bit n is month n, day of month n, weekday n (0 Monday); null: any. */
  readonly months: number | null;
  readonly days: number | null;
  readonly weekdays: number | null;
  /** Local milliseconds of the day from which it is active. */
  readonly fromMs: number;
  readonly prefixes: readonly string[];
  readonly zones: ReadonlySet<string> | null;
  readonly categories: ReadonlySet<string> | null;
  readonly steps: readonly CompiledStep[];
}

export interface CompiledStep {
  readonly from: number;
  readonly priceE8: number;
  readonly per: number;
  readonly first: number;
  readonly next: number;
}
