/**
 * What `linekeeper rate` does: tries a tariff on records, both as JSON (docs/tariff.md), with the code that rates imported
 * records. Pure; throws InvalidDocumentError that lists everything wrong in a document.
 */
import { compileTariff } from './compile-tariff.ts';
import { openLocalTime } from './local-time.ts';
import { formatAmountE8 } from './money.ts';
import { createRater } from './rating.ts';
import type { RatedRecord } from './record.ts';
import { parseRecordsDocument, toRateable } from './records-document.ts';
import { parseTariffDocument, tariffVersions } from './tariff-document.ts';
import type { TariffDocument } from './tariff-schema.ts';

export interface RateRecordsInput {
  /** Parsed JSON with the name of its file: first the tariff to try, then its fallback tariffs. */
  readonly tariffs: readonly { readonly name: string; readonly document: unknown }[];
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
  readonly pieces: readonly {
    readonly from: number;
    readonly billed: number;
    readonly price: string;
    readonly per: number;
    readonly rule: string;
  }[];
}

export function rateRecords(input: RateRecordsInput): RecordOutcome[] {
  const numberMask = input.numberMask ?? 4;
  const knownTariffs = new Set(input.tariffs.map(({ document }) => tariffCode(document)));
  const tariffs = input.tariffs.map(({ name, document }) =>
    parseTariffDocument(document, name, { numberMask, knownTariffs }),
  );
  const records = parseRecordsDocument(input.records.document, input.records.name);
  const [tariff, ...fallbacks] = tariffs;
  if (tariff === undefined) throw new Error('no tariff given; name one with --tariff FILE');
  const localTime = openLocalTime(tariff.timeZone);
  const bundle = {
    code: tariff.tariff,
    versions: storedRows(tariff),
    fallbacks: Object.fromEntries(fallbacks.map((fallback) => [fallback.tariff, storedRows(fallback)])),
  };
  const compiled = compileTariff(bundle, tariff.timeZone);
  const rater = createRater(compiled);
  return records.map((record) => {
    const rated = rater.rate(toRateable(record, localTime, numberMask));
    return outcome(record.id, rated, compiled.versions[rated.version]?.id ?? null);
  });
}

function storedRows(tariff: TariffDocument): { id: string; document: unknown }[] {
  const versions = tariffVersions(tariff, openLocalTime(tariff.timeZone));
  return versions.map(({ document }) => ({ id: document.validFrom, document }));
}

function outcome(id: string, rated: RatedRecord, version: string | null): RecordOutcome {
  return {
    id,
    status: rated.status,
    reason: rated.reason,
    rule: rated.rule,
    version,
    billedUsage: rated.billedUsage,
    connectFee: formatAmountE8(rated.connectFeeE8, 2),
    amount: rated.status === 'rated' ? formatAmountE8(rated.amountE8) : null,
    pieces: rated.pieces.map((piece) => ({
      from: piece.from,
      billed: piece.billed,
      price: formatAmountE8(piece.priceE8, 2),
      per: piece.per,
      rule: piece.rule,
    })),
  };
}

function tariffCode(document: unknown): string {
  const code = (document as { tariff?: unknown } | null)?.tariff;
  return typeof code === 'string' ? code : '';
}
