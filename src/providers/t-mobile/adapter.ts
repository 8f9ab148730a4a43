/**
 * T_MOBILE (Calvi) as data: sync > totals, from a REST API with OAuth2 and pages by cursor (domain.md 5.3). Items have an id and
 * a version: the highest counts, `void` cancels. The interface is OURS, invented to be realistic.
 */
import { type Adapter, adapterSpec } from '../spec/adapter.ts';
import { calviLayout } from './layout.ts';

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
    path: '/v2/accounts/{account}/usage',
    query: { from: '{from}', to: '{to}' },
    // what a provider keeps: the cycles before are its own
    window: { firstDays: 400, overlapDays: 3, maxDays: 31 },
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
    accounts: { path: '/v2/accounts', items: 'items', id: 'id' },
  },
  layout: calviLayout,
  limits: { sessionsPerCredential: 1, requestsPerSecond: 10, burst: 20 },
});
