/** What the decoder is made from: a file's outside and its records. Plain data, checked here once, posted to threads as it is. */
import { z } from 'zod';
import type { Field } from './fields.ts';
import { type FileSpec, fileSpec } from './files.ts';
import { type RecordType, recordsSpec } from './records.ts';

export const layoutSpec = z.strictObject({ files: fileSpec, records: recordsSpec }).superRefine((spec, context) => {
  const issue = (message: string, ...path: (string | number)[]) =>
    context.addIssue({ code: 'custom', path: ['records', 'types', ...path], message });
  const { types } = spec.records;
  for (const problem of fileProblems(spec.files)) {
    context.addIssue({ code: 'custom', path: ['files'], message: problem });
  }
  const places = new Set(types.map((type) => JSON.stringify(type.when?.from ?? null)));
  if (types.length > 1 && (places.size > 1 || places.has('null'))) issue('all types must be told by the same place');
  const told = types.flatMap((type) => type.when?.is ?? []);
  if (new Set(told).size !== told.length) issue('two types are told by the same value');
  for (const [index, type] of types.entries()) {
    for (const problem of typeProblems(type, spec.files.framing.kind)) issue(`${type.name}: ${problem}`, index);
  }
});
export type LayoutSpec = Readonly<z.infer<typeof layoutSpec>>;
/** As it is written, before defaults. */
export type LayoutSource = z.input<typeof layoutSpec>;

function* fileProblems(files: FileSpec): Iterable<string> {
  const { kind } = files.framing;
  if (kind === 'json' && files.encoding !== 'utf-8') yield 'JSON is UTF-8';
  if (kind === 'json' && files.trailer) yield 'JSON has no trailer';
  if (kind !== 'fixed' && files.header) yield `${kind} has no header of facts`;
  if (kind !== 'fixed' && files.trailer?.fields.some(({ to }) => to === 'crc'))
    yield `${kind} has no crc in its trailer`;
  const places = [...(files.header?.fields ?? []), ...(files.trailer?.fields ?? [])];
  for (const { to, from } of places) {
    if ((kind === 'fixed') !== Array.isArray(from)) yield `${to} must stand at ${placeOf(kind)}`;
    if (files.framing.kind === 'fixed' && Number(from[1]) > files.framing.lineLength)
      yield `${to} stands behind the line`;
  }
}

function* typeProblems(type: RecordType, framing: string): Iterable<string> {
  const has = (to: Field['to']) => type.fields.some((field) => field.to === to);
  const named = type.fields.filter(({ to }) => to !== 'text').map(({ to }) => to);
  for (const to of new Set(named)) if (named.indexOf(to) !== named.lastIndexOf(to)) yield `has two fields for ${to}`;
  for (const { to, from } of [...type.fields, ...(type.when ? [{ to: 'when', from: type.when.from }] : [])]) {
    if ((framing === 'fixed') !== Array.isArray(from)) yield `${to} must stand at ${placeOf(framing)}`;
  }
  if (!type.kind && !has('kind')) yield 'needs a kind, or a field that tells it';
  if (!has('start') && !has('startDate') && !has('chargeFrom')) yield 'has no start';
  if (has('startDate') !== has('startTime')) yield 'needs startDate and startTime together';
  if (!has('amount')) yield 'has no amount';
  if (!has('msisdn')) yield 'has no msisdn';
  if (has('correction') !== has('originalId')) yield 'needs correction and originalId together';
  if (has('version') && !has('id')) yield 'has versions but no id';
}

function placeOf(framing: string): string {
  if (framing === 'fixed') return 'positions [first, last]';
  return framing === 'csv' ? 'the name of a column' : 'a path';
}
