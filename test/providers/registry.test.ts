import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSyncTypes, knownSyncTypes } from '../../src/providers/registry.ts';

test('each of the seven sync types has a chain of its own', () => {
  const registry = createSyncTypes(knownSyncTypes);
  const chains = knownSyncTypes.map(({ syncType }) => registry.decide(syncType));
  assert.equal(new Set(chains.map((decision) => decision.result === 'routed' && decision.chain)).size, 7);
});

test('an unknown sync type is a decision that names it and what is known', () => {
  const decision = createSyncTypes(knownSyncTypes).decide('KPN_SP17');
  assert.equal(decision.result, 'failed');
  assert.match(decision.result === 'failed' ? decision.reason : '', /KPN_SP17; known: KPN_SP16, GRIP/);
});

test('a provider that starts later is routed to', () => {
  const registry = createSyncTypes();
  registry.add({ syncType: 'NEW', chain: 'new' });
  assert.deepEqual(registry.decide('NEW'), { result: 'routed', syncType: 'NEW', chain: 'new' });
});
