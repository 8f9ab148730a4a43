/** KPN SP16 as data: fetch > import > rate > totals, from an SFTP drop or a directory with `.ok` markers (domain.md 5.1). */
import { type Adapter, adapterSpec } from '../spec/adapter.ts';
import { kpnSp16Layout } from './spec.ts';

export const kpnSp16: Adapter = adapterSpec.parse({
  syncType: 'KPN_SP16',
  chain: {
    name: 'kpn-sp16',
    steps: [
      { name: 'fetch', does: ['fetch'] },
      { name: 'import', does: ['import'] },
      { name: 'rate', does: ['rate'] },
      { name: 'totals', does: ['totals'] },
    ],
  },
  discover: {
    kind: 'files',
    transports: ['directory', 'sftp'],
    ready: { when: 'marker', suffix: '.ok', holds: 'sha256 bytes' },
  },
  layout: kpnSp16Layout,
  limits: { breaker: { failures: 20, openMs: 30_000 } },
});
