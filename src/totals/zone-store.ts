/**
 * Zone sets in the database. Like versions of a tariff they never change: one that begins at the same instant replaces what was
 * there, and what it replaced is kept, so that a closed cycle can be rated as it was.
 */
import type { ReadSession, Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { openLocalTime } from '../telecom/local-time.ts';
import { type CheckedZoneSet, parseZoneSets, type ZoneSet, zoneSets } from '../telecom/zone-document.ts';

export interface LoadedZoneSets {
  readonly provider: string;
  readonly sets: number;
  readonly added: number;
  readonly replaced: number;
}

export interface StoredZoneSet extends ZoneSet {
  readonly id: string;
  readonly checksum: Buffer;
}

const range = 'tstzrange(to_timestamp($2::float8 / 1000), to_timestamp($3::float8 / 1000))';
const same = `select 1 from zone_set where provider = $1 and replaced_at is null and valid = ${range} and checksum = $4`;
const replace = `update zone_set set replaced_at = now() where provider = $1 and replaced_at is null and lower(valid) = to_timestamp($2::float8 / 1000) returning id`;
const overlapping = `select valid::text as valid from zone_set where provider = $1 and replaced_at is null and valid && ${range}`;
const insert = `
  with added as (insert into zone_set (provider, valid, checksum) values ($1, ${range}, $4) returning id)
  insert into zone_network (zone_set_id, network, zone)
  select added.id, n.network, z.zone
  from added, jsonb_each($5::jsonb) z (zone, networks), jsonb_array_elements_text(z.networks) n (network)`;

/** Stores a zone sets document. Throws `InvalidDocumentError` with every problem of it, or `InputError`. */
export async function loadZoneSets(tx: Tx, document: unknown): Promise<LoadedZoneSets> {
  const checked = parseZoneSets(document, 'the zone sets');
  const { provider } = checked;
  const sets = zoneSets(checked, openLocalTime(checked.timeZone));
  let added = 0;
  let replaced = 0;
  for (const set of sets) {
    const stored = await storeSet(tx, provider, set);
    added += stored.added;
    replaced += stored.replaced;
  }
  return { provider, sets: sets.length, added, replaced };
}

async function storeSet(tx: Tx, provider: string, set: CheckedZoneSet): Promise<{ added: number; replaced: number }> {
  const key = [provider, set.validFromMs, set.validToMs];
  const [known] = await tx.query(same, [...key, set.checksum]);
  if (known) return { added: 0, replaced: 0 };
  const replaced = await tx.query(replace, key.slice(0, 2));
  const [clash] = await tx.query<{ valid: string }>(overlapping, key);
  if (clash) {
    throw new InputError(
      `zone sets of ${provider}: the one valid from ${set.validFrom} overlaps the stored one of ${clash.valid}; to end that one, write it into this document again with a validTo; to replace it, begin with its validFrom`,
    );
  }
  await tx.query(insert, [...key, set.checksum, JSON.stringify(set.zones)]);
  return { added: 1, replaced: replaced.length };
}

const columns = `
  s.id, s.checksum, (extract(epoch from lower(s.valid)) * 1000)::float8 as "validFromMs",
  (extract(epoch from upper(s.valid)) * 1000)::float8 as "validToMs",
  coalesce((select jsonb_object_agg(z.zone, z.networks) from (
    select zone, jsonb_agg(network order by network) as networks from zone_network where zone_set_id = s.id group by zone) z),
    '{}') as zones`;
const live = `select ${columns} from zone_set s where s.provider = $1 and s.replaced_at is null order by lower(s.valid)`;
const named = `
  select ${columns} from zone_set s where s.provider = $1 and s.id = any($2::bigint[]) order by lower(s.valid)`;

/** Those that hold now, or the ones of `ids`, whatever was loaded since; oldest first. */
export async function readZoneSets(
  session: ReadSession | Tx,
  provider: string,
  ids?: readonly string[],
): Promise<StoredZoneSet[]> {
  return ids === undefined
    ? session.query<StoredZoneSet>(live, [provider])
    : session.query<StoredZoneSet>(named, [provider, ids]);
}
