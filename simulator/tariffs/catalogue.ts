/** All tariff documents, and which customer has which. */
import type { Account } from '../account.ts';
import type { ZoneSetsForm } from '../allowance-form.ts';
import type { TariffForm } from '../tariff-form.ts';
import { dataPass, flexAllowances, zakelijkAllowances } from './allowances.ts';
import { flex } from './flex.ts';
import { wereld } from './wereld.ts';
import { zakelijk } from './zakelijk.ts';

export function allTariffs(timeZone: string): TariffForm[] {
  return [zakelijk(timeZone), flex(timeZone), wereld(timeZone)];
}

/** Customers take the two main tariffs in turn. */
export function tariffOfCustomer(index: number): string {
  return index % 2 === 0 ? 'kpn-zakelijk' : 'kpn-zakelijk-flex';
}

/** Who has which bundles: those of the customer's tariff, and the first subscriber of each flex customer a pass of its own. */
export function withAllowances(account: Account): Account {
  const { subscribers } = account;
  if (account.index % 2 === 0) return { ...account, allowances: zakelijkAllowances(subscribers.length) };
  const [first, ...others] = subscribers;
  if (first === undefined) return account;
  const withPass = [{ ...first, allowances: [dataPass] }, ...others];
  return { ...account, subscribers: withPass, allowances: flexAllowances(subscribers.length) };
}

/** Switzerland comes nearer on 10 April 2026, for the tariff whose version stays as it is. */
export function kpnZones(timeZone: string): ZoneSetsForm {
  const change = '2026-04-10T12:00:00';
  const sea = ['20899'];
  return {
    provider: 'KPN',
    timeZone,
    sets: [
      { validFrom: '2020-01-01T00:00:00', validTo: change, zones: { world: ['310', '286', '228', '604'], sea } },
      { validFrom: change, validTo: null, zones: { near: ['228'], world: ['310', '286', '604'], sea } },
    ],
  };
}

/** The instants, in local text, at which a call may change its version. */
export function changesOf(tariff: TariffForm): string[] {
  return tariff.versions.flatMap((version) => (version.validTo === null ? [] : [version.validTo]));
}
