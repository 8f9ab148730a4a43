/**
 * Tariffs in the database: versions are rows that never change; a version replaces the row that begins at the same instant, so
 * that it can be corrected or ended, and the replaced one is kept, no longer valid. The time ranges are UTC instants of the
 * document's local times.
 */
import { createHash } from 'node:crypto';
import type { TariffBundle } from '../compute/tasks/messages.ts';
import type { ReadSession, Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { openLocalTime } from '../telecom/local-time.ts';
import { parseTariffDocument, type TariffVersion, tariffVersions } from '../telecom/tariff-document.ts';
import { type ZoneSet, zoneNames } from '../telecom/zone-document.ts';
import { readZoneSets, type StoredZoneSet } from './zone-store.ts';

export interface StoredTariff {
  readonly bundle: TariffBundle;
  /** sha256 over the checksums of all versions that can take part. */
  readonly hash: Buffer;
  /** Ids of these versions, those of the tariff itself first. */
  readonly versionIds: readonly string[];
  /** Ids of the zone sets of the tariffs' providers. */
  readonly zoneSetIds: readonly string[];
}

interface VersionRow {
  readonly id: string;
  readonly document: { readonly fallback?: string };
  readonly checksum: Buffer;
}

export interface LoadedTariff {
  readonly tariff: string;
  readonly versions: number;
  readonly added: number;
  readonly replaced: number;
}

const liveVersions = `
  select v.id, v.document, v.checksum from tariff_version v
  where v.tariff_id = $1 and v.replaced_at is null order by lower(v.valid)`;

/** Stores a tariff document. Throws `InvalidDocumentError` with every problem of it, or `InputError`. */
export async function loadTariff(tx: Tx, document: unknown): Promise<LoadedTariff> {
  const [customers] = await tx.query<{ mask: number | null }>('select max(number_mask) as mask from customer');
  const known = await tx.query<{ code: string }>('select code from tariff');
  const sets = await readZoneSets(tx, providerOf(document));
  const tariff = parseTariffDocument(document, 'the tariff', {
    numberMask: customers!.mask ?? 4,
    knownTariffs: new Set(known.map((row) => row.code)),
    providerZones: zoneNames(sets),
  });
  const [row] = await tx.query<{ id: string }>(
    `insert into tariff (code, provider) values ($1, $2) on conflict (code) do update set provider = excluded.provider returning id`,
    [tariff.tariff, tariff.provider],
  );
  const versions = tariffVersions(tariff, openLocalTime(tariff.timeZone));
  let added = 0;
  let replaced = 0;
  for (const version of versions) {
    const stored = await storeVersion(tx, tariff.tariff, row!.id, version);
    added += stored.added;
    replaced += stored.replaced;
  }
  return { tariff: tariff.tariff, versions: versions.length, added, replaced };
}

const sameVersion = 'select 1 from tariff_version where tariff_id = $1 and replaced_at is null and checksum = $2';

const replaceVersion = `
  update tariff_version set replaced_at = now()
  where tariff_id = $1 and replaced_at is null
    and lower(valid) = to_timestamp($2::float8 / 1000) returning id`;

const overlapping = `
  select valid::text as valid from tariff_version
  where tariff_id = $1 and replaced_at is null
    and valid && tstzrange(to_timestamp($2::float8 / 1000), to_timestamp($3::float8 / 1000))`;

const insertVersion = `
  insert into tariff_version (tariff_id, valid, checksum, document)
  values ($1, tstzrange(to_timestamp($2::float8 / 1000), to_timestamp($3::float8 / 1000)), $4, $5)`;

async function storeVersion(
  tx: Tx,
  code: string,
  tariffId: string,
  version: TariffVersion,
): Promise<{ added: number; replaced: number }> {
  const [same] = await tx.query(sameVersion, [tariffId, version.checksum]);
  if (same) return { added: 0, replaced: 0 };
  const range = [tariffId, version.validFromMs, version.validToMs];
  const replaced = await tx.query(replaceVersion, range.slice(0, 2));
  const [clash] = await tx.query<{ valid: string }>(overlapping, range);
  if (clash) {
    throw new InputError(
      `tariff ${code}: the version valid from ${version.document.validFrom} overlaps the stored one of ${clash.valid}; to end that one, write it into this document again with a validTo; to replace it, begin with its validFrom`,
    );
  }
  await tx.query(insertVersion, [...range, version.checksum, JSON.stringify(version.document)]);
  return { added: 1, replaced: replaced.length };
}

/** A tariff as the rater takes it, with every fallback that its versions can reach. */
export async function readTariff(session: ReadSession, tariffId: string): Promise<StoredTariff> {
  const [tariff] = await session.query<{ code: string }>('select code from tariff where id = $1', [tariffId]);
  if (!tariff) throw new Error(`tariff ${tariffId} does not exist`);
  const hash = createHash('sha256');
  const versionIds: string[] = [];
  const read = async (id: string) => {
    const rows = await session.query<VersionRow>(liveVersions, [id]);
    for (const row of rows) hash.update(row.id).update(row.checksum);
    versionIds.push(...rows.map((row) => row.id));
    return rows;
  };
  const versions = await read(tariffId);
  const fallbacks: Record<string, { id: string; document: unknown }[]> = {};
  const wanted = namesOf(versions);
  while (wanted.length > 0) {
    const code = wanted.pop()!;
    if (code in fallbacks || code === tariff.code) continue;
    const [other] = await session.query<{ id: string }>('select id from tariff where code = $1', [code]);
    if (!other) throw new Error(`tariff ${tariff.code} falls back to ${code}, which does not exist`);
    const rows = await read(other.id);
    fallbacks[code] = rows.map(({ id, document }) => ({ id, document }));
    wanted.push(...namesOf(rows));
  }
  const bundle = { code: tariff.code, versions: versions.map(({ id, document }) => ({ id, document })), fallbacks };
  return withZoneSets(session, { bundle, hash: hash.digest(), versionIds });
}

const providers = 'select code, provider from tariff where code = any($1)';

/** Adds the zone sets of the tariffs' providers: those that hold now, or the ones of `ids`. */
async function withZoneSets(
  session: ReadSession,
  tariff: Omit<StoredTariff, 'zoneSetIds'>,
  ids?: readonly string[],
): Promise<StoredTariff> {
  const { bundle } = tariff;
  const codes = [bundle.code, ...Object.keys(bundle.fallbacks)];
  const rows = await session.query<{ code: string; provider: string }>(providers, [codes]);
  const hash = createHash('sha256').update(tariff.hash);
  const byProvider = new Map<string, StoredZoneSet[]>();
  for (const provider of new Set(rows.map((row) => row.provider))) {
    const sets = await readZoneSets(session, provider, ids);
    for (const set of sets) hash.update(set.id).update(set.checksum);
    byProvider.set(provider, sets);
  }
  const plain = (sets: readonly StoredZoneSet[]): ZoneSet[] =>
    sets.map(({ validFromMs, validToMs, zones }) => ({ validFromMs, validToMs, zones }));
  const zoneSets = Object.fromEntries(rows.map(({ code, provider }) => [code, plain(byProvider.get(provider)!)]));
  const zoneSetIds = [...byProvider.values()].flat().map((set) => set.id);
  return { ...tariff, bundle: { ...bundle, zoneSets }, hash: hash.digest(), zoneSetIds };
}

const namedVersions = `
  select t.code, v.id, v.document, v.checksum
  from unnest($1::bigint[]) with ordinality n (id, place) join tariff_version v on v.id = n.id join tariff t on t.id = v.tariff_id
  order by n.place`;

/** A tariff as it was when these versions were live, whatever was loaded since. Throws when none is named. */
export async function readTariffVersions(
  session: ReadSession,
  versionIds: readonly string[],
  zoneSetIds: readonly string[],
): Promise<StoredTariff> {
  const rows = await session.query<VersionRow & { code: string }>(namedVersions, [versionIds]);
  const code = rows[0]?.code;
  if (code === undefined) throw new Error(`no tariff version has an id of ${versionIds.join(', ') || 'an empty list'}`);
  const hash = createHash('sha256');
  for (const row of rows) hash.update(row.id).update(row.checksum);
  const byCode = Map.groupBy(rows, (row) => row.code);
  const plain = [...byCode].map(([of, list]) => [of, list.map(({ id, document }) => ({ id, document }))] as const);
  const { [code]: versions = [], ...fallbacks } = Object.fromEntries(plain);
  const tariff = { bundle: { code, versions, fallbacks }, hash: hash.digest(), versionIds: rows.map((row) => row.id) };
  return withZoneSets(session, tariff, zoneSetIds);
}

function providerOf(document: unknown): string {
  const provider = (document as { provider?: unknown } | null)?.provider;
  return typeof provider === 'string' ? provider : '';
}

function namesOf(rows: readonly VersionRow[]): string[] {
  return rows.flatMap(({ document }) => (document.fallback === undefined ? [] : [document.fallback]));
}
