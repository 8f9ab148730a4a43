import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ProviderMessage, provider } from '../../actors/provider.ts';
import { type RouterMessage, router } from '../../actors/router.ts';
import { knownSyncTypes, type RoutingDecision } from '../../src/providers/registry.ts';
import type { ProviderSession } from '../../src/providers/session.ts';
import { ask, type Root, startTree, supervisor } from '../../supervisors/tree.ts';

const deadline = { deadlineMs: 2_000 };

describe('the providers group', () => {
  let root: Root;
  const decisions: Record<string, unknown>[] = [];

  before(async () => {
    const log = { info: (fields: Record<string, unknown>) => void decisions.push(fields) };
    const entry = { syncType: 'KPN_SP16', chain: 'kpn-sp16' };
    root = await startTree(
      supervisor({
        id: 'providers',
        children: [router({ log, syncTypes: knownSyncTypes }), provider({ entry, maxSessions: 2 })],
      }),
      { report: (event) => assert.fail(JSON.stringify(event)) },
    );
  });
  after(() => root.stop(5_000));

  const route = (syncType: string) =>
    ask(
      root.ref<RouterMessage>('router'),
      (reply: (decision: RoutingDecision) => void): RouterMessage => ({ type: 'route', syncType, reply }),
      deadline,
    );
  const acquire = () =>
    ask(
      root.ref<ProviderMessage>('kpn-sp16'),
      (reply: (session: ProviderSession | null) => void): ProviderMessage => ({ type: 'acquire', reply }),
      deadline,
    );
  const about = (path: string) => root.snapshot().children.find((child) => child.path === path)!.about;

  test('the router answers for known types and for unknown ones, and logs every decision', async () => {
    assert.equal((await route('ROUTIT')).result, 'routed');
    assert.equal((await route('NOBODY')).result, 'failed');
    assert.deepEqual(
      decisions.map((decision) => decision.syncType),
      ['ROUTIT', 'NOBODY'],
    );
    assert.deepEqual([about('router')!.routed, about('router')!.failed], [1, 1]);
  });

  test('a provider gives no more sessions than its limit, and a released one again', async () => {
    const [first, second, third] = [await acquire(), await acquire(), await acquire()];
    assert.ok(first && second);
    assert.equal(third, null);
    first.release('unavailable');
    const again = await acquire();
    assert.ok(again);
    assert.deepEqual([about('kpn-sp16')!.open, about('kpn-sp16')!.denied], [2, 1]);
    for (const session of [second, again]) session.release('ok');
    await acquire();
    assert.equal(about('kpn-sp16')!.open, 1);
  });
});
