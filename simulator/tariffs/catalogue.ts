/** All tariff documents, and which customer has which. */
import type { TariffForm } from '../tariff-form.ts';
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

/** The instants, in local text, at which a call may change its version. */
export function changesOf(tariff: TariffForm): string[] {
  return tariff.versions.flatMap((version) => (version.validTo === null ? [] : [version.validTo]));
}
