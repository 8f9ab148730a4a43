/** KPN SP16 as data: fetch > import > rate > totals, from an SFTP drop or a directory with `.ok` markers (domain.md 5.1). */
import type { AdapterInput } from '../spec/adapter.ts';

export const kpnSp16: AdapterInput = {
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
  layout: {
    files: {
      name: '^SP16X_(?<account>\\d{10})_(?<month>\\d{6})_(?<seq>\\d{6})\\.dat\\.gz$',
      logicalKey: ['account', 'month', 'seq'],
      sequence: { field: 'seq', gap: 'block' },
    },
  },
};
