/**
 * Zones in which the allowances of a contract count. A name that is no zone of the contract's tariff, such as `EU` for `eu`, would
 * never match: every record there would be charged beside a bundle that covers it.
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { homeZone } from '../telecom/allowance.ts';
import type { ContractEntry } from './document.ts';

/** Of all versions of the tariff and its fallbacks, and of the zone sets of their providers. */
const zonesOfTariff = `
  with own as (select id, provider from tariff where code = $1),
  reached as (
    select id, provider from own union
    select f.id, f.provider from own join tariff_version v on v.tariff_id = own.id and v.replaced_at is null
      join tariff f on f.code = v.document ->> 'fallback')
  select z.zone from reached r join tariff_version v on v.tariff_id = r.id and v.replaced_at is null,
    jsonb_object_keys(v.document -> 'zones') z (zone) union
  select n.zone from reached r join zone_set s on s.provider = r.provider and s.replaced_at is null
    join zone_network n on n.zone_set_id = s.id order by 1`;

/** Throws `InputError` that names allowance and zone. A tariff without any zone says nothing about names. */
export async function refuseUnknownZones(tx: Tx, contract: ContractEntry): Promise<void> {
  const { account, tariff, subscriptions } = contract;
  const allowances = [...contract.allowances, ...subscriptions.flatMap((subscription) => subscription.allowances)];
  if (tariff === undefined || allowances.every(({ scope }) => scope.zones.every((zone) => zone === homeZone))) return;
  const known = (await tx.query<{ zone: string }>(zonesOfTariff, [tariff])).map(({ zone }) => zone);
  if (known.length === 0) return;
  for (const { name, scope } of allowances) {
    const unknown = scope.zones.find((zone) => zone !== homeZone && !known.includes(zone));
    if (unknown === undefined) continue;
    throw new InputError(
      `account ${account}: allowance ${name} counts in zone ${unknown}, which tariff ${tariff} does not have (zones: ${[homeZone, ...known].join(', ')})`,
    );
  }
}
