/**
 * What a provider's file looks like from outside, as plain data that survives JSON: how its records are framed, packed and
 * encoded, what its header claims and its trailer proves, and how much of it may be wrong (domain.md section 5). The decoder
 * is made from this; no code belongs to a provider.
 */
import { z } from 'zod';
import { pattern, place } from './places.ts';

export const encodings = ['utf-8', 'iso-8859-1', 'windows-1252'] as const;
export type Encoding = (typeof encodings)[number];
export const compressions = ['gz', 'zip', 'none'] as const;
export type Compression = (typeof compressions)[number];

const framing = z.discriminatedUnion('kind', [
  /** Lines of exactly so many bytes and a line end; shorter or longer ones are line errors. */
  z.strictObject({ kind: z.literal('fixed'), lineLength: z.int().min(8).max(16_384), lineEnd: z.enum(['crlf', 'lf']) }),
  /** RFC 4180 with LF or CRLF, mixed too; the first row names the columns, in whatever order they come. */
  z.strictObject({
    kind: z.literal('csv'),
    delimiter: z.enum([';', ',', '\t', '|']),
    /** Columns that are known and not needed: no notice when they are there. */
    ignore: z.array(z.string()).readonly().default([]),
  }),
  /** One object whose array at `items` holds the records; or an object on every line when `items` is null. */
  z.strictObject({ kind: z.literal('json'), items: z.string().min(1).max(200).nullable() }),
]);
export type Framing = z.infer<typeof framing>;

/** What a header can claim. `account` must be the contract's, `seq` and the period's month those of the file's name. */
export const headerFacts = [
  'account',
  'seq',
  'periodFrom',
  'periodTo',
  'created',
  'currency',
  'previousSeq',
  'previousCrc',
] as const;

const headerField = z.union([
  /** Must be this text, else the file is refused under `code`. */
  z.strictObject({
    to: z.string().regex(/^[a-z][A-Za-z0-9]*$/),
    from: place,
    is: z.string(),
    code: z.string().default('bad-header'),
  }),
  z.strictObject({
    to: z.enum(headerFacts),
    from: place,
    /** `digits`: all of them; `date`: yyyymmdd; `time`: yyyymmddhhmmss; `crc`: 8 lower-case hex digits. */
    as: z.enum(['digits', 'date', 'time', 'crc']),
  }),
]);
export type HeaderField = z.infer<typeof headerField>;

const trailerField = z.strictObject({
  to: z.enum(['records', 'sum', 'crc']),
  from: place,
  /** `digits`; `signed`: digits and a trailing sign; `dec`, `decComma`: euros; `crc`: 8 lower-case hex digits. */
  as: z.enum(['digits', 'signed', 'dec', 'decComma', 'crc']),
  /** What one of a sum is, in 1e-8 EUR. */
  unit: z.int().positive().default(100_000_000),
});
export type TrailerField = z.infer<typeof trailerField>;

/** First line: it must begin with `when`. */
const header = z.strictObject({ when: z.string().min(1), fields: z.array(headerField).readonly() });
/** Last line, known by its first characters (CSV: by its first column); nothing may follow it. */
const trailer = z.strictObject({
  when: z.string().min(1),
  fields: z.array(trailerField).readonly(),
});

/** What a file may grow to when it is unpacked; a bomb is refused before it fills a disk. */
const unpackLimits = z.strictObject({
  maxBytes: z.int().positive(),
  /** Unpacked bytes per packed byte, looked at after the first `ratioFrom` bytes. Usage packs 5 to 40 times. */
  maxRatio: z.int().positive(),
  ratioFrom: z.int().min(0),
});
export type UnpackLimits = Readonly<z.infer<typeof unpackLimits>>;
export const usualUnpackLimits: UnpackLimits = {
  maxBytes: 16 * 2 ** 30,
  maxRatio: 250,
  ratioFrom: 64 * 2 ** 20,
};

export const fileSpec = z.strictObject({
  /** Of the whole name. Named groups: `account`, `month` (yyyymm), `seq`, and whatever `logicalKey` names. */
  name: pattern,
  /** For people: `USAGE_<account10>_<yyyymm>_<seq6>.dat.gz`. */
  nameShown: z.string().min(1),
  compression: z.enum(compressions).default('none'),
  encoding: z.enum(encodings),
  framing,
  header: header.optional(),
  trailer: trailer.optional(),
  /** Groups of the name: the same values with other bytes are a re-delivery. */
  logicalKey: z.array(z.string().min(1)).min(1).readonly(),
  sequence: z.strictObject({ field: z.string().min(1), gap: z.enum(['alert', 'block']) }).optional(),
  /** More line errors than either refuse the whole file. */
  lineErrors: z
    .strictObject({ share: z.number().min(0).max(1), below: z.int().min(1).max(10_000) })
    .default({ share: 0.001, below: 50 }),
  unpack: unpackLimits.default(usualUnpackLimits),
});
export type FileSpec = Readonly<z.infer<typeof fileSpec>>;
