/** The providers that come with the product. */
import { kpnSp16 } from './kpn-sp16/adapter.ts';
import type { Adapter } from './spec/adapter.ts';
import { tMobile } from './t-mobile/adapter.ts';

export interface Provider {
  readonly adapter: Adapter;
  /** The file that describes it; null for those of the product. */
  readonly file: string | null;
}

export const builtInProviders: readonly Provider[] = [
  { adapter: kpnSp16, file: null },
  { adapter: tMobile, file: null },
];
