/**
 * The layout of a provider's files as the kernel reads them: seven columns in the plainest form. A description that says more than
 * that is refused with every reason, because a preview that left something out would have other totals than the import.
 */
import type { UsageKind, UsageLayout } from '../kernel/usage-layout.ts';
import type { CanonicalField, Field } from '../providers/spec/fields.ts';
import type { LayoutSpec } from '../providers/spec/layout-spec.ts';
import type { RecordType } from '../providers/spec/records.ts';
import { isKindWord, mostKinds, previewKinds } from './layout-document.ts';

export type ProviderLayout =
  | { readonly ok: true; readonly layout: UsageLayout }
  | { readonly ok: false; readonly reasons: readonly string[] };

type Form = (field: Field) => boolean;

const exact: Form = (field) => !('unit' in field) || field.unit === undefined || field.unit === 1;
/** How each field must be written; `usage` is any of three. */
const forms: Readonly<Partial<Record<CanonicalField, readonly [string, Form]>>> = {
  id: ['text', ({ as }) => as === 'text'],
  msisdn: ['digits', ({ as }) => as === 'digits'],
  dialled: ['dialled', ({ as }) => as === 'dialled'],
  start: ['iso', ({ as }) => as === 'iso'],
  code: ['text or digits', ({ as }) => as === 'text' || as === 'digits'],
  amount: ['dec, in EUR', (field) => field.as === 'dec' && field.unit === undefined],
  seconds: ['int, in seconds', (field) => field.as === 'int' && exact(field)],
  octets: ['int, in octets', (field) => field.as === 'int' && exact(field)],
  count: ['int', (field) => field.as === 'int' && exact(field)],
};
/** What a preview does not look at, and an import does. */
const notKnown: readonly CanonicalField[] = ['version', 'state', 'correction', 'originalId', 'visited', 'dst'];
const usageOf = { voice: 'seconds', sms: 'count', mms: 'count', data: 'octets' } as const;

export function providerLayout({ files, records }: LayoutSpec): ProviderLayout {
  const reasons: string[] = [];
  const { framing } = files;
  if (framing.kind !== 'csv') return { ok: false, reasons: [`its files are ${framing.kind}, no CSV`] };
  if (framing.delimiter !== ',' && framing.delimiter !== ';') reasons.push('its columns are not cut by , or ;');
  if (files.compression !== 'none') reasons.push(`its files are packed (${files.compression})`);
  if (files.trailer !== undefined) reasons.push('its files have a trailer');
  const fields = records.types.flatMap((type) => type.fields);
  for (const field of fields) {
    const { to, as, from } = field;
    const form = forms[to];
    if (notKnown.includes(to)) reasons.push(`${String(from)} (${to}) is not looked at by a preview`);
    else if (form !== undefined && !form[1](field)) {
      reasons.push(`${String(from)} (${to}) is written as ${as}, and must be ${form[0]}`);
    }
  }
  const one = (what: string, wanted: readonly CanonicalField[]): string => {
    const names = new Set(fields.filter(({ to }) => wanted.includes(to)).map(({ from }) => String(from)));
    if (names.size === 1) return [...names][0]!;
    reasons.push(
      names.size === 0 ? `it has no ${what}` : `${what} stands in several columns: ${[...names].join(', ')}`,
    );
    return '';
  };
  const columns = {
    key: one('id', ['id']),
    subscriber: one('msisdn', ['msisdn']),
    to: one('dialled number', ['dialled']),
    start: one('start', ['start']),
    usage: one('usage', ['seconds', 'octets', 'count']),
    charge: one('amount', ['amount']),
    kind: one('code', ['code']),
  };
  const kinds = kindsOf(records, columns.kind, framing.delimiter, reasons);
  if (reasons.length > 0) return { ok: false, reasons: [...new Set(reasons)] };
  return { ok: true, layout: { delimiter: framing.delimiter as ',' | ';', columns, kinds } };
}

/** Every code, with the kind of the records that have it. */
function kindsOf(
  { types, codes }: LayoutSpec['records'],
  column: string,
  delimiter: string,
  reasons: string[],
): UsageKind[] {
  const tellers = types.flatMap((type) => [
    ...(type.when ? [String(type.when.from)] : []),
    ...type.fields.filter(({ to }) => to === 'kind').map(({ from }) => String(from)),
  ]);
  const other = tellers.find((name) => name !== column);
  if (other !== undefined) reasons.push(`the kind stands in ${other}, and must stand in the column of the code`);
  const kinds = Object.entries(codes).flatMap(([word, { category, roaming }]): UsageKind[] => {
    const type = types.find(({ when }) => when === undefined || when.is.includes(word));
    const kind = type && kindOf(type, word);
    if (kind === undefined) return [];
    if (!isKindWord(word, delimiter)) reasons.push(`the code "${word}" is no word of 1 to 12 plain characters`);
    if (roaming) reasons.push(`the code "${word}" means roaming, and a preview knows no visited network`);
    const known = previewKinds.find((each) => each === kind);
    if (known === undefined) reasons.push(`records of kind ${kind} state their amount themselves`);
    else if (!type!.fields.some(({ to }) => to === usageOf[known]))
      reasons.push(`records of kind ${kind} have no usage`);
    return [{ word, kind, category }];
  });
  if (kinds.length === 0 || kinds.length > mostKinds)
    reasons.push(`it has ${kinds.length} codes, not 1 to ${mostKinds}`);
  return kinds;
}

function kindOf(type: RecordType, word: string): UsageKind['kind'] | undefined {
  if (type.kind !== undefined) return type.kind;
  const field = type.fields.find(({ to }) => to === 'kind');
  return field?.as === 'enum' ? (field.values[word] as UsageKind['kind'] | undefined) : undefined;
}
