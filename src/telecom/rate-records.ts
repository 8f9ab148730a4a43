/**
 * What `linekeeper rate` does: tries a tariff on records, both as JSON (docs/tariff.md), with the code that rates imported
 * records. Pure; throws InvalidDocumentError that lists everything wrong in a document.
 */
import { createAllowanceBook } from './allowance-book.ts';
import { allowanceOf } from './allowance-document.ts';
import { dayMs, isoDate } from './civil-date.ts';
import { compileTariff } from './compile-tariff.ts';
import type { CompiledTariff } from './compiled-tariff.ts';
import { cycleStartDay } from './cycle.ts';
import { openLocalTime } from './local-time.ts';
import { formatAmountE8 } from './money.ts';
import { createRater, type Rater } from './rating.ts';
import type { RatedRecord } from './record.ts';
import { parseRecordsDocument, type RecordsDocument, toRateable } from './records-document.ts';
import { parseTariffDocument, tariffVersions } from './tariff-document.ts';
import type { TariffDocument } from './tariff-schema.ts';
import { type CheckedZoneSet, parseZoneSets, zoneNames, zoneSets } from './zone-document.ts';

export interface RateRecordsInput {
  /** Parsed JSON with the name of its file: first the tariff to try, then its fallback tariffs. */
  readonly tariffs: readonly { readonly name: string; readonly document: unknown }[];
  /** Zone sets for all of these tariffs. */
  readonly zones?: { readonly name: string; readonly document: unknown };
  readonly records: { readonly name: string; readonly document: unknown };
  /** Digits at the end of a dialled number that an import would not keep. */
  readonly numberMask?: number;
}

export interface RecordOutcome {
  readonly id: string;
  readonly status: RatedRecord['status'];
  readonly reason: string | null;
  readonly rule: string | null;
  /** `validFrom` of the version used. */
  readonly version: string | null;
  readonly billedUsage: number;
  readonly connectFee: string;
  /** null when unrated: an amount that is not known is never 0. */
  readonly amount: string | null;
  /** The rule's minimum or cap took the place of the sum; left out when neither did. */
  readonly limit?: 'minimum' | 'cap';
  readonly finding?: string;
  /** What was taken from which allowance; left out when nothing was. */
  readonly allowances?: readonly { readonly name: string; readonly used: number }[];
  readonly pieces: readonly {
    readonly from: number;
    readonly billed: number;
    /** Of these covered by allowances; left out when none is. */
    readonly covered?: number;
    readonly price: string;
    readonly per: number;
    readonly rule: string;
  }[];
}

/** Answers in the document's order; rated in order of start, then id, since allowances depend on it. */
export function rateRecords(input: RateRecordsInput): RecordOutcome[] {
  const numberMask = input.numberMask ?? 4;
  const knownTariffs = new Set(input.tariffs.map(({ document }) => tariffCode(document)));
  const sets = input.zones === undefined ? [] : checkedSets(input.zones);
  const options = { numberMask, knownTariffs, providerZones: zoneNames(sets) };
  const tariffs = input.tariffs.map(({ name, document }) => parseTariffDocument(document, name, options));
  const document = parseRecordsDocument(input.records.document, input.records.name, zonesOf(tariffs, sets));
  const [tariff, ...fallbacks] = tariffs;
  if (tariff === undefined) throw new Error('no tariff given; name one with --tariff FILE');
  const bundle = {
    code: tariff.tariff,
    versions: storedRows(tariff),
    fallbacks: Object.fromEntries(fallbacks.map((fallback) => [fallback.tariff, storedRows(fallback)])),
    zoneSets: Object.fromEntries(tariffs.map(({ tariff: code }) => [code, sets])),
  };
  const compiled = compileTariff(bundle, tariff.timeZone);
  const raterAt = ratersByCycle(compiled, document);
  const ordered = document.records
    .map((record, index) => ({ index, record, rateable: toRateable(record, compiled.localTime, numberMask) }))
    .sort((a, b) => a.rateable.startMs - b.rateable.startMs || (a.record.id < b.record.id ? -1 : 1));
  const outcomes: RecordOutcome[] = [];
  for (const { index, record, rateable } of ordered) {
    const rated = raterAt(rateable.startMs).rate(rateable, record.from);
    outcomes[index] = outcome(record.id, rated, compiled.versions[rated.version]?.id ?? null);
  }
  return outcomes;
}

/** Every cycle begins with whole allowances. */
function ratersByCycle(compiled: CompiledTariff, document: RecordsDocument): (startMs: number) => Rater {
  const allowances = document.allowances.map((entry, i) => allowanceOf(entry, String(i), null));
  const { localTime } = compiled;
  const raters = new Map<number, Rater>();
  return (startMs) => {
    const day = Math.floor((startMs + localTime.offsetMsAt(startMs)) / dayMs);
    const cycle = cycleStartDay(day, document.cycleDay);
    const rater =
      raters.get(cycle) ?? createRater(compiled, createAllowanceBook(allowances, isoDate(cycle), localTime));
    raters.set(cycle, rater);
    return rater;
  };
}

function checkedSets({ name, document }: { readonly name: string; readonly document: unknown }): CheckedZoneSet[] {
  const checked = parseZoneSets(document, name);
  return zoneSets(checked, openLocalTime(checked.timeZone));
}

function storedRows(tariff: TariffDocument): { id: string; document: unknown }[] {
  const versions = tariffVersions(tariff, openLocalTime(tariff.timeZone));
  return versions.map(({ document }) => ({ id: document.validFrom, document }));
}

function outcome(id: string, rated: RatedRecord, version: string | null): RecordOutcome {
  const { limit, finding, allowances } = rated;
  return {
    id,
    status: rated.status,
    reason: rated.reason,
    rule: rated.rule,
    version,
    billedUsage: rated.billedUsage,
    connectFee: formatAmountE8(rated.connectFeeE8, 2),
    amount: rated.status === 'rated' ? formatAmountE8(rated.amountE8) : null,
    ...(limit !== null && { limit }),
    ...(finding !== null && { finding }),
    ...(allowances.length > 0 && {
      allowances: allowances.map(({ allowance, used }) => ({ name: allowance.name, used })),
    }),
    pieces: rated.pieces.map((piece) => ({
      from: piece.from,
      billed: piece.billed,
      ...(piece.covered > 0 && { covered: piece.covered }),
      price: formatAmountE8(piece.priceE8, 2),
      per: piece.per,
      rule: piece.rule,
    })),
  };
}

function zonesOf(tariffs: readonly TariffDocument[], sets: readonly CheckedZoneSet[]): ReadonlySet<string> {
  const own = tariffs.flatMap(({ versions }) => versions.flatMap(({ zones }) => Object.keys(zones ?? {})));
  return new Set([...own, ...zoneNames(sets)]);
}

function tariffCode(document: unknown): string {
  const code = (document as { tariff?: unknown } | null)?.tariff;
  return typeof code === 'string' ? code : '';
}
