/** `kpn-sp16`: fetch > import > rate > totals, the four commands of KPN's SP16 sync. */
import { type ChainDefinition, chain } from '../../chains/define.ts';
import { publishStale, rateStale } from '../../totals/steps.ts';
import { type SyncInput, syncInput } from '../sync-input.ts';
import { fetchFiles } from './fetch.ts';
import { importFiles } from './import.ts';
import type { Sp16Services } from './services.ts';

export function kpnSp16(services: Sp16Services): ChainDefinition<SyncInput> {
  return chain('kpn-sp16', syncInput)
    .step('fetch', fetchFiles(services))
    .step('import', importFiles(services))
    .step('rate', rateStale(services.compute, services.alerts))
    .step('totals', publishStale());
}
