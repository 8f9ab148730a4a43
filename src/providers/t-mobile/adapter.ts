/**
 * T_MOBILE as data: two commands, from a REST API with client credentials and cursor pages (domain.md 5.3). Usage is
 * provisional at first: a higher version replaces it, and a void one cancels it, whichever comes first. Three days overlap (domain.md
 * 5.3); what is made void later than that is found by the weekly look back.
 */
import { type Adapter, adapterSpec } from '../spec/adapter.ts';
import { tMobileLayout } from './layout.ts';

export const tMobile: Adapter = adapterSpec.parse({
  syncType: 'T_MOBILE',
  chain: {
    name: 't-mobile',
    steps: [
      { name: 'sync', does: ['fetch', 'import'] },
      { name: 'totals', does: ['rate', 'totals'] },
    ],
  },
  discover: {
    kind: 'pages',
    transports: ['rest'],
    auth: { kind: 'oauth2cc', tokenPath: '/oauth/token' },
    accounts: { path: '/v2/accounts', items: 'items', id: 'id' },
    path: '/v2/accounts/{account}/usage',
    query: { from: '{from}', to: '{to}' },
    window: { firstDays: 400, overlapDays: 3, maxDays: 31, lookBack: { days: 92, everyDays: 7 } },
    page: {
      style: 'cursor',
      parameter: 'cursor',
      next: 'next',
      items: 'items',
      total: 'total',
      account: 'account',
      asOf: 'asOf',
    },
    identity: { id: 'id', version: 'version' },
  },
  layout: tMobileLayout,
  limits: { sessionsPerCredential: 1, requestsPerSecond: 20, burst: 40 },
});
