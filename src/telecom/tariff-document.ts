/**
 * A tariff document at the door: refused whole with every problem listed, or taken apart into its versions as they are
 * stored, each with its validity as instants and the checksum of its canonical JSON.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import { parseLocalMs } from './civil-date.ts';
import { InvalidDocumentError, schemaProblems } from './document-problem.ts';
import type { LocalTime } from './local-time.ts';
import { checkTariff, type TariffCheckOptions } from './tariff-checks.ts';
import { type TariffDocument, tariffSchema, type VersionDocument } from './tariff-schema.ts';

/** What is stored of a version. `timeZone` is the tariff's: validFrom and validTo are local times there. */
export interface StoredVersion extends VersionDocument {
  readonly timeZone: string;
}

export interface TariffVersion {
  readonly document: StoredVersion;
  readonly validFromMs: number;
  /** Exclusive; null when it is valid until further notice. */
  readonly validToMs: number | null;
  /** sha256 of the canonical JSON of `document`. */
  readonly checksum: Buffer;
}

/**
 * Checks parsed JSON. Throws InvalidDocumentError that lists every problem with path, value and the way out.
 * `what` names the document in the error, such as its file name.
 */
export function parseTariffDocument(document: unknown, what: string, options: TariffCheckOptions): TariffDocument {
  const problems = [...schemaProblems(document, tariffSchema), ...checkTariff(document, options)];
  if (problems.length > 0) throw new InvalidDocumentError(what, problems);
  return document as TariffDocument;
}

/** The versions of a checked document, oldest first. `localTime` is that of the document's time zone. */
export function tariffVersions(tariff: TariffDocument, localTime: LocalTime): TariffVersion[] {
  return tariff.versions
    .map((version): TariffVersion => {
      const document = { ...version, timeZone: tariff.timeZone };
      return {
        document,
        validFromMs: localTime.toInstant(parseLocalMs(version.validFrom), '').utcMs,
        validToMs: version.validTo === null ? null : localTime.toInstant(parseLocalMs(version.validTo), '').utcMs,
        checksum: createHash('sha256').update(canonicalJson(document)).digest(),
      };
    })
    .sort((a, b) => a.validFromMs - b.validFromMs);
}
