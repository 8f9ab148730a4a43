/** The providers that come with the product: data, and the little code that data does not reach. */
import type { ProviderHooks } from './interpreter/services.ts';
import { kpnSp16 } from './kpn-sp16/adapter.ts';
import { whyMisnamed } from './kpn-sp16/misnamed.ts';
import type { Adapter } from './spec/adapter.ts';

export interface Provider {
  readonly adapter: Adapter;
  readonly hooks: ProviderHooks;
  /** The file that describes it; null for those of the product. */
  readonly file: string | null;
}

export const builtInProviders: readonly Provider[] = [
  { adapter: kpnSp16, hooks: { misnamed: whyMisnamed }, file: null },
];
