/**
 * Tariff documents in the form the evaluator works with: prices as fractions, times of day as seconds, version borders as
 * instants. Trusts its input beyond what it needs to read it: the documents are the simulator's own.
 */
import type { ZoneSetsForm } from '../allowance-form.ts';
import type { RoundingMode, RuleForm, TariffForm, UsageKind, VersionForm, Weekday } from '../tariff-form.ts';
import { type Fraction, fractionOfDecimal, zero } from './fraction.ts';

export interface Tariff {
  code: string;
  versions: Version[];
}

export interface Version {
  fromS: number;
  /** Exclusive; infinity when the version has no end. */
  toS: number;
  split: boolean;
  fallback: string | null;
  zones: { code: string; prefix: string; fromS: number; toS: number }[];
  rules: Rule[];
}

export interface Rule {
  id: string;
  /** Place in the document: the last tie-break. */
  order: number;
  kind: UsageKind;
  prefixes: string[] | null;
  zones: string[] | null;
  categories: string[] | null;
  months: number[] | null;
  days: number[] | null;
  weekdays: Weekday[] | null;
  fromSecond: number;
  weight: number;
  connectFee: Fraction;
  minimum: Fraction | null;
  cap: Fraction | null;
  steps: Step[];
  decimals: number;
  mode: RoundingMode;
}

export interface Step {
  from: number;
  price: Fraction;
  per: number;
  first: number;
  next: number;
}

export type TariffBook = ReadonlyMap<string, Tariff>;

export function tariffBook(forms: readonly TariffForm[], zoneSets: readonly ZoneSetsForm[] = []): TariffBook {
  return new Map(forms.map((form) => [form.tariff, readTariff(form, zoneSets)]));
}

function readTariff(form: TariffForm, zoneSets: readonly ZoneSetsForm[]): Tariff {
  const provided = zoneSets.filter(({ provider }) => provider === form.provider).flatMap(datedZones);
  return { code: form.tariff, versions: form.versions.map((version) => readVersion(version, form.timeZone, provided)) };
}

function datedZones({ timeZone, sets }: ZoneSetsForm): Version['zones'] {
  return sets.flatMap(({ zones, ...range }) =>
    zonesOf(zones, instantOf(range.validFrom, timeZone), endOf(range, timeZone)),
  );
}

function zonesOf(zones: Readonly<Record<string, readonly string[]>>, fromS: number, toS: number): Version['zones'] {
  return Object.entries(zones).flatMap(([code, list]) => list.map((prefix) => ({ code, prefix, fromS, toS })));
}

function endOf({ validTo }: { validTo: string | null }, timeZone: string): number {
  return validTo === null ? Number.POSITIVE_INFINITY : instantOf(validTo, timeZone);
}

function readVersion(form: VersionForm, timeZone: string, provided: Version['zones']): Version {
  return {
    fromS: instantOf(form.validFrom, timeZone),
    toS: endOf(form, timeZone),
    split: form.changePolicy === 'split',
    fallback: form.fallback ?? null,
    zones:
      form.zones === undefined ? provided : zonesOf(form.zones, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
    rules: form.rules.map(readRule),
  };
}

function readRule(form: RuleForm, order: number): Rule {
  return {
    id: form.id,
    order,
    kind: form.kind,
    prefixes: form.match.prefixes ?? null,
    zones: form.match.zones ?? null,
    categories: form.match.categories ?? null,
    months: form.active?.months ?? null,
    days: form.active?.days ?? null,
    weekdays: form.active?.weekdays ?? null,
    fromSecond: secondOfDay(form.active?.from ?? '00:00:00'),
    weight: form.weight ?? 0,
    connectFee: form.connectFee === undefined ? zero : fractionOfDecimal(form.connectFee),
    minimum: form.minimum === undefined ? null : fractionOfDecimal(form.minimum),
    cap: form.cap === undefined ? null : fractionOfDecimal(form.cap.amount),
    steps: form.steps.map((step) => ({ ...step, price: fractionOfDecimal(step.price) })),
    decimals: form.rounding?.decimals ?? 4,
    mode: form.rounding?.mode ?? 'half-away',
  };
}

function instantOf(local: string, timeZone: string): number {
  return Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone).epochMilliseconds / 1000;
}

function secondOfDay(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}
