/** The tariff of a preview: as its records meet it, or one of its versions for all of them, whenever they began. */
import { createHash } from 'node:crypto';
import type { ReadSession } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import type { KernelRating } from '../kernel/messages.ts';
import type { StoredVersion } from '../telecom/tariff-document.ts';
import { readTariff } from '../totals/tariff-store.ts';

export interface PreviewTariff {
  readonly code: string;
  /** `validFrom` of the version for all records; null: the one that is valid at each record's start. */
  readonly version: string | null;
  /** Of the tariff document. */
  readonly timeZone: string;
  readonly document: Uint8Array<SharedArrayBuffer>;
  readonly hash: string;
  /** Contracts that have it, and how many of them have allowances. */
  readonly contracts: number;
  readonly withAllowances: number;
}

const known = 'select id, code from tariff order by code';
const users = `
  select count(*)::int as contracts, count(*) filter (where exists (select 1 from allowance a where a.contract_id = k.id))::int
    as "withAllowances" from contract k where k.tariff_id = $1`;

/** Before any start that a pass takes. */
const always = { validFrom: '1990-01-01T00:00:00', validTo: null };

/** Throws `InputError` for a tariff or version that is not there, with those that are. */
export async function readPreviewTariff(
  session: ReadSession,
  code: string,
  wanted: string | undefined,
): Promise<PreviewTariff> {
  const tariffs = await session.query<{ id: string; code: string }>(known);
  const found = tariffs.find((tariff) => tariff.code === code);
  if (!found) {
    const names = tariffs.map((tariff) => tariff.code).join(', ') || 'none; load one: linekeeper tariff load FILE';
    throw new InputError(`no tariff has the code ${code}; known: ${names}`);
  }
  const { bundle } = await readTariff(session, found.id);
  const versions = bundle.versions.map(({ id, document }) => ({ id, document: document as StoredVersion }));
  const picked = wanted === undefined ? versions : versions.filter(({ document }) => isOf(document, wanted));
  const [first] = picked;
  if (!first || (wanted !== undefined && picked.length > 1)) {
    const from = versions.map(({ document }) => document.validFrom).join(', ');
    throw new InputError(`tariff ${code} has no one version of ${wanted}; its versions are of ${from || '(none)'}`);
  }
  const pinned = picked.map(({ id, document }) => ({ id, document: { ...document, ...always } }));
  const text = Buffer.from(JSON.stringify(wanted === undefined ? bundle : { ...bundle, versions: pinned }));
  const document = new Uint8Array(new SharedArrayBuffer(text.length));
  document.set(text);
  const [uses] = await session.query<{ contracts: number; withAllowances: number }>(users, [found.id]);
  return {
    code,
    version: wanted === undefined ? null : first.document.validFrom,
    timeZone: picked.at(-1)!.document.timeZone,
    document,
    hash: createHash('sha256').update(text).digest('hex'),
    ...uses!,
  };
}

/** By the whole local time, or by its date. */
function isOf({ validFrom }: { readonly validFrom: string }, wanted: string): boolean {
  return validFrom === wanted || validFrom.slice(0, 10) === wanted;
}

export function ratingBy(
  { document, hash }: PreviewTariff,
  { timeZone, numberMask }: { readonly timeZone: string; readonly numberMask: number },
): KernelRating {
  return { by: 'rules', tariff: document, hash, timeZone, numberMask };
}
