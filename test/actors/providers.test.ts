import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ProviderMessage, provider } from '../../actors/provider.ts';
import { type RouterMessage, router } from '../../actors/router.ts';
import type { SharedLimit } from '../../src/providers/limits/shared-limit.ts';
import { knownSyncTypes, type RoutingDecision } from '../../src/providers/registry.ts';
import type { Later, ProviderSession, SessionAnswer } from '../../src/providers/session.ts';
import { ask, type Root, startTree, supervisor } from '../../supervisors/tree.ts';

const deadline = { deadlineMs: 2_000 };

describe('the providers group', () => {
  let root: Root;
  let closed: Later | null = null;
  const decisions: Record<string, unknown>[] = [];

  before(async () => {
    const log = { info: (fields: Record<string, unknown>) => void decisions.push(fields) };
    const entry = { syncType: 'KPN_SP16', chain: 'kpn-sp16' };
    const limit: SharedLimit = {
      take: async () => closed ?? { kind: 'granted', requests: 1 },
      async close(afterMs, reason) {
        closed = { kind: 'later', reason, afterMs };
      },
    };
    root = await startTree(
      supervisor({
        id: 'providers',
        children: [
          router({ log, syncTypes: knownSyncTypes }),
          provider({
            entry,
            maxSessions: 2,
            breaker: { failures: 3, openMs: 60_000 },
            limit,
            nowMs: () => performance.now(),
          }),
        ],
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
      (reply: (answer: SessionAnswer) => void): ProviderMessage => ({ type: 'acquire', credential: 'key', reply }),
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

  const granted = async (): Promise<ProviderSession> => {
    const answer = await acquire();
    assert.equal(answer.kind, 'granted', JSON.stringify(answer));
    return (answer as Extract<SessionAnswer, { kind: 'granted' }>).session;
  };

  test('a provider gives no more sessions than its limit, and a released one again', async () => {
    const [first, second] = [await granted(), await granted()];
    assert.equal((await acquire()).kind, 'later');
    first.release('unavailable');
    const again = await granted();
    assert.deepEqual([about('kpn-sp16')!.open, about('kpn-sp16')!.denied], [2, 1]);
    for (const session of [second, again]) session.release('ok');
    (await granted()).release('ok');
  });

  test('a session leaves its token to the next one with the same credential', async () => {
    const first = await granted();
    assert.equal(first.token, null);
    first.keepToken({ value: 'secret', untilMs: 1 });
    first.release('ok');
    const second = await granted();
    assert.equal(second.token?.value, 'secret');
    second.keepToken(null);
    second.release('ok');
    const third = await granted();
    assert.equal(third.token, null);
    third.release('ok');
  });

  test('after failures in a row the provider is left alone, then one session tries for all', async () => {
    for (let failures = 0; failures < 3; failures += 1) (await granted()).release('unavailable');
    const denied = await acquire();
    assert.match(denied.kind === 'later' ? denied.reason : '', /KPN_SP16 failed 3 times in a row/);
    closed = null;
    const probe = await granted();
    const other = await acquire();
    assert.match(other.kind === 'later' ? other.reason : '', /one session tries/);
    probe.release('ok');
    const [one, two] = [await granted(), await granted()];
    for (const session of [one, two]) session.release('ok');
  });

  test('a provider that asks for patience is asked by nobody', async () => {
    const session = await granted();
    assert.equal((await session.permit()).kind, 'granted');
    await session.pauseAll(30_000, 'it said 429');
    assert.deepEqual(await session.permit(), { kind: 'later', reason: 'it said 429', afterMs: 30_000 });
    session.release('waiting');
    // answered after it, so that nothing is under way at the end
    await session.pauseAll(1, 'over');
  });
});
