/**
 * Zone sets: which networks a provider counts to which roaming zone, by date (docs/tariff.md). A set holds for all of the
 * provider's tariffs whose versions have no zones of their own, so that a zone changes without a new tariff.
 */
import { createHash } from 'node:crypto';
import type * as z from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { parseLocalMs } from './civil-date.ts';
import {
  closedObject,
  type DocumentProblem,
  InvalidDocumentError,
  problemAt,
  schemaProblems,
} from './document-problem.ts';
import type { LocalTime } from './local-time.ts';
import { checkValidity, checkZones } from './tariff-checks.ts';
import { filledList, localDateTimeSchema, nameSchema, timeZoneSchema, zonesSchema } from './tariff-schema.ts';

const zoneSetsSchema = closedObject({
  provider: nameSchema,
  timeZone: timeZoneSchema,
  sets: filledList(
    closedObject({ validFrom: localDateTimeSchema, validTo: localDateTimeSchema.nullable(), zones: zonesSchema }),
  ),
});

type ZoneSetsDocument = z.infer<typeof zoneSetsSchema>;

/** A set as it is stored, and as rating takes it. */
export interface ZoneSet {
  readonly validFromMs: number;
  /** Exclusive; null when it is valid until further notice. */
  readonly validToMs: number | null;
  readonly zones: Readonly<Record<string, readonly string[]>>;
}

export interface CheckedZoneSet extends ZoneSet {
  /** As it was written, for messages. */
  readonly validFrom: string;
  /** sha256 of the canonical JSON of its zones. */
  readonly checksum: Buffer;
}

/** Checks parsed JSON. Throws InvalidDocumentError that lists every problem with path, value and the way out. */
export function parseZoneSets(document: unknown, what: string): ZoneSetsDocument {
  const problems: DocumentProblem[] = schemaProblems(document, zoneSetsSchema);
  const { sets } = (document ?? {}) as { sets?: unknown };
  if (Array.isArray(sets)) {
    const report = (path: readonly PropertyKey[], message: string) => problems.push(problemAt(document, path, message));
    checkValidity(sets, 'sets', report);
    sets.forEach((set: { zones?: unknown } | null, i) => {
      const zones = zonesSchema.safeParse(set?.zones).data;
      if (zones !== undefined) checkZones(zones, ['sets', i], report);
    });
  }
  if (problems.length > 0) throw new InvalidDocumentError(what, problems);
  return document as ZoneSetsDocument;
}

/** The sets of a checked document, oldest first. `localTime` is that of the document's time zone. */
export function zoneSets(document: ZoneSetsDocument, localTime: LocalTime): CheckedZoneSet[] {
  return document.sets
    .map(({ validFrom, validTo, zones }) => ({
      validFrom,
      validFromMs: localTime.toInstant(parseLocalMs(validFrom), '').utcMs,
      validToMs: validTo === null ? null : localTime.toInstant(parseLocalMs(validTo), '').utcMs,
      zones,
      checksum: createHash('sha256').update(canonicalJson(zones)).digest(),
    }))
    .sort((a, b) => a.validFromMs - b.validFromMs);
}

/** Names of all zones of these sets. */
export function zoneNames(sets: readonly ZoneSet[]): Set<string> {
  return new Set(sets.flatMap(({ zones }) => Object.keys(zones)));
}
