/**
 * One value of a record as plain data: where it stands, how it is written, and which field of ours it becomes. A value that
 * is not `optional` and is blank or absent is a line error.
 */
import { z } from 'zod';
import { localFormat, place } from './places.ts';

export const recordKinds = ['voice', 'sms', 'mms', 'data', 'recurring', 'oneoff', 'credit'] as const;

/** What the values of an enum may mean. */
export const enumMeanings = {
  kind: recordKinds,
  /** `void` cancels the record's id; a `provisional` record counts until a higher version replaces it. */
  state: ['final', 'provisional', 'void'],
  /** Summer and winter time of the repeated hour; `none` says nothing. */
  dst: ['summer', 'winter', 'none'],
  inBundle: ['yes', 'no', 'none'],
  /** `correct` replaces and `cancel` removes the record that `originalId` names. */
  correction: ['none', 'correct', 'cancel'],
} as const;

const at = {
  from: place,
  optional: z.boolean().default(false),
  /** The provider's word for it in messages; else ours. */
  name: z.string().min(1).max(60).optional(),
};

export const field = z
  .discriminatedUnion('as', [
    z.strictObject({
      /** `id`: the provider's own and stable, at most 64 bytes. `account`: must be the contract's, else the file is refused. */
      to: z.enum(['id', 'originalId', 'account', 'code', 'vat', 'currency', 'text']),
      ...at,
      as: z.literal('text'),
    }),
    z.strictObject({
      to: z.enum(['version', 'seconds', 'octets', 'count', 'amount']),
      ...at,
      /** `int`: digits; `dec`: decimal point; `decComma`: decimal comma and, if any, dots between thousands. */
      as: z.enum(['int', 'dec', 'decComma']),
      /** Where `+` or `-` may stand (`trailing`: must). Without it the number has no sign. */
      sign: z.enum(['leading', 'trailing']).optional(),
      /** What one is: octets (1024 for a kilobyte), seconds, or 1e-8 EUR (default then 100,000,000). */
      unit: z.int().positive().optional(),
    }),
    /** `msisdn`: E.164 digits as they stand. `visited`: MCC and MNC, 5 or 6 of them. */
    z.strictObject({ to: z.enum(['msisdn', 'visited', 'code']), ...at, as: z.literal('digits') }),
    /** Also `+31…`, `0031…` and `06…`. */
    z.strictObject({ to: z.literal('msisdn'), ...at, as: z.literal('msisdn') }),
    /** `dialled`: as keyed in; `masked`: the provider hides digits, so that only the code tells what was called. */
    z.strictObject({ to: z.literal('dialled'), ...at, as: z.enum(['dialled', 'masked']) }),
    z.strictObject({
      to: z.enum(['kind', 'state', 'dst', 'inBundle', 'correction']),
      ...at,
      as: z.literal('enum'),
      /** What the file writes (blank: `''`; `VOICE_*`: whatever begins so), and what that means. */
      values: z.record(z.string().max(100), z.string()),
    }),
    /** In the contract's zone. */
    z.strictObject({
      to: z.enum(['start', 'startDate', 'startTime', 'chargeFrom', 'chargeTo']),
      ...at,
      as: z.literal('local'),
      format: localFormat,
    }),
    /** `2026-10-25T02:30:00+01:00` or with `Z`; fractions of a second are cut off. */
    z.strictObject({ to: z.literal('start'), ...at, as: z.literal('iso') }),
    /** `27:00:05`, or `PT1M3S` as `iso`. */
    z.strictObject({ to: z.literal('seconds'), ...at, as: z.literal('duration'), format: z.enum(['hh:mm:ss', 'iso']) }),
  ])
  .superRefine((value, context) => {
    if (value.as !== 'enum') return;
    const known: readonly string[] = enumMeanings[value.to];
    for (const [written, meaning] of Object.entries(value.values)) {
      if (known.includes(meaning)) continue;
      const message = `"${meaning}" is no ${value.to}; known: ${known.join(', ')}`;
      context.addIssue({ code: 'custom', path: ['values', written], message });
    }
  });
export type Field = z.infer<typeof field>;
export type CanonicalField = Field['to'];
