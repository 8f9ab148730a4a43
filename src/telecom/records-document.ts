/** The records that `linekeeper rate` reads (docs/tariff.md): form, checks, and their translation to rateable records. */
import * as z from 'zod';
import { homeZone } from './allowance.ts';
import { type AllowanceEntry, allowanceSchema } from './allowance-document.ts';
import { usageCategories } from './category.ts';
import { parseLocalMs } from './civil-date.ts';
import { categoryAtHome } from './classify.ts';
import { keepOf, normaliseDialled } from './dialled.ts';
import {
  closedObject,
  type DocumentProblem,
  InvalidDocumentError,
  problemAt,
  schemaProblems,
} from './document-problem.ts';
import type { LocalTime } from './local-time.ts';
import { parseAmountE8 } from './money.ts';
import type { RateableRecord } from './record.ts';

const kinds = ['voice', 'sms', 'mms', 'data', 'recurring', 'oneoff', 'credit'] as const;
const categories = [...usageCategories, 'unknown', 'recurring', 'oneoff', 'credit'] as const;
const idMessage = 'must be a text of 1 to 100 characters that names the record';
const fromMessage = 'must be the digits of the subscription with the country code, such as "31687654321"';
const toMessage = 'must be digits with the country code and without + or 00, such as "31612345678", or a short code';
const visitedMessage = 'must be the MCC and MNC of the visited network, such as "20801"; leave it out at home';
const startMessage =
  'must be a time from 1970 to 2199, local such as "2026-03-02T12:00:00" or with an offset such as "2026-03-02T12:00:00+01:00"';
const usageMessage = 'must be a whole number: seconds (voice), messages (sms, mms), octets (data), 1 for the others';
const amountMessage = 'must be a decimal string in EUR such as "12.50"';
/** As the longest that a layout may allow (longestCallHours). */
const longestCallS = 31 * 86_400;
const shortCodeDigits = 6;
const startForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)?$/;

const recordSchema = closedObject({
  id: z.string(idMessage).regex(/^.{1,100}$/, idMessage),
  kind: z.enum(kinds, `must be one of ${kinds.join(', ')}`),
  from: z
    .string(fromMessage)
    .regex(/^[1-9]\d{6,14}$/, fromMessage)
    .optional(),
  to: z
    .string(toMessage)
    .regex(/^[1-9]\d{1,17}$/, toMessage)
    .optional(),
  category: z.enum(categories, `must be one of ${categories.join(', ')}`).optional(),
  visited: z
    .string(visitedMessage)
    .regex(/^\d{3}(\d{2,3})?$/, visitedMessage)
    .optional(),
  start: z.string(startMessage).refine(startIsKnown, startMessage),
  dst: z.enum(['S', 'W'], 'must be "S" (summer time) or "W"; leave it out when it does not matter').optional(),
  usage: z.int(usageMessage).min(0, usageMessage),
  amount: z
    .string(amountMessage)
    .refine((text) => !Number.isNaN(parseAmountE8(text)), amountMessage)
    .optional(),
});

const recordsSchema = closedObject({
  cycleDay: z.int('must be a day from 1 to 31').min(1).max(31).default(1),
  allowances: z.array(allowanceSchema, 'must be a list of allowances').default([]),
  records: z.array(recordSchema, 'must be a list of records'),
});

export type RecordDocument = z.infer<typeof recordSchema>;

export interface RecordsDocument {
  readonly cycleDay: number;
  readonly allowances: readonly AllowanceEntry[];
  readonly records: readonly RecordDocument[];
}

/**
 * Checks parsed JSON. Throws InvalidDocumentError with every problem: record, field, value and the way out. `zones`: those of the
 * tariffs; when there are any, allowances may count in no others.
 */
export function parseRecordsDocument(document: unknown, what: string, zones: ReadonlySet<string>): RecordsDocument {
  const problems: DocumentProblem[] = schemaProblems(document, recordsSchema);
  const records = (document as { records?: unknown } | null)?.records;
  if (Array.isArray(records)) {
    records.forEach((record: Partial<RecordDocument> | null, i) => {
      if (record?.kind === 'voice' && Number(record.usage) > longestCallS) {
        const message = `must be at most ${longestCallS} seconds: no import takes a call of more than 31 days`;
        problems.push(problemAt(document, ['records', i, 'usage'], message));
      }
      const stated = record?.kind === 'recurring' || record?.kind === 'oneoff' || record?.kind === 'credit';
      if (!stated || record?.amount !== undefined) return;
      problems.push(problemAt(document, ['records', i, 'amount'], `is needed for ${record.kind}: ${amountMessage}`));
    });
  }
  if (problems.length === 0) problems.push(...unknownZones(document, zones));
  if (problems.length > 0) throw new InvalidDocumentError(what, problems.map(withRecordId(document)));
  return recordsSchema.parse(document);
}

/** A zone that no tariff has would never match, and every record there be charged beside its bundle. */
function unknownZones(document: unknown, zones: ReadonlySet<string>): DocumentProblem[] {
  if (zones.size === 0) return [];
  const known = [homeZone, ...zones];
  return recordsSchema.parse(document).allowances.flatMap(({ scope }, i) =>
    scope.zones.flatMap((zone, j) => {
      const path = ['allowances', i, 'scope', 'zones', j];
      return known.includes(zone) ? [] : [problemAt(document, path, `must be one of ${known.join(', ')}`)];
    }),
  );
}

/** `numberMask` digits at the end of the dialled number are left out, as they are when records are imported. */
export function toRateable(record: RecordDocument, localTime: LocalTime, numberMask: number): RateableRecord {
  return {
    kind: record.kind,
    category: record.category ?? categoryOfNumber(record),
    prefix: unmaskedDigits(record.to ?? '', numberMask),
    visited: record.visited ?? '',
    startMs: startMs(record, localTime),
    usage: record.usage,
    providerAmountE8: parseAmountE8(record.amount ?? '0'),
  };
}

/** As an import has it whose provider says no code; none where the number does not tell it. */
function categoryOfNumber({ kind, to, visited }: RecordDocument): string {
  const category = visited === undefined ? categoryAtHome(kind, to ?? '') : 'unknown';
  return category === 'unknown' ? '' : category;
}

function startMs(record: RecordDocument, localTime: LocalTime): number {
  const [, local, offset] = startForm.exec(record.start)!;
  const localMs = parseLocalMs(local!);
  return offset === undefined ? localTime.toInstant(localMs, record.dst ?? '').utcMs : localMs - offsetMs(offset);
}

/** A day inside the years of the tables of local-time.ts, whatever the zone. */
function startIsKnown(text: string): boolean {
  const match = startForm.exec(text);
  if (match === null || Math.abs(offsetMs(match[2] ?? 'Z')) > 14 * 3_600_000) return false;
  const localMs = parseLocalMs(match[1]!);
  return localMs >= parseLocalMs('1970-01-03T00:00:00') && localMs <= parseLocalMs('2199-12-29T00:00:00');
}

function offsetMs(offset: string): number {
  if (offset === 'Z') return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4));
  return (offset[0] === '-' ? -minutes : minutes) * 60_000;
}

function unmaskedDigits(number: string, numberMask: number): string {
  const dialled = normaliseDialled(number.length > shortCodeDigits ? `+${number}` : number);
  return dialled === null ? '' : (keepOf(dialled, numberMask).prefix ?? '');
}

/** Says which record it is by the id that its writer knows; a dialled number is shown without its end. */
function withRecordId(document: unknown): (problem: DocumentProblem) => DocumentProblem {
  return (problem) => {
    const [, index, field] = /^records\[(\d+)\](?:\.(\w+))?/.exec(problem.path) ?? [];
    if (index === undefined) return problem;
    const record = (document as { records: { id?: unknown }[] }).records[Number(index)];
    const named = typeof record?.id === 'string' ? ` (record "${record.id.slice(0, 100)}")` : '';
    const value = field === 'to' || field === 'from' ? problem.value.replace(/\d{4}(?=\D*$)/, '****') : problem.value;
    return { ...problem, value, message: `${problem.message}${named}` };
  };
}
