import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { type SignalsServices, signals } from '../../actors/signals.ts';
import type { AlertInput } from '../../src/alerts/alerts.ts';
import { DatabaseDownError } from '../../src/database/session.ts';
import { type Application, PrefixOwnedError } from '../../src/signals/prefix-owner.ts';
import type { SignalsState } from '../../src/signals/redis.ts';
import { type Root, startTree, supervisor } from '../../supervisors/tree.ts';
import { FakeClock, idle } from '../supervisors/recorder.ts';

const own: Application = { id: 'own.1', about: 'here' };

describe('the signals actor', () => {
  let root: Root | null = null;
  afterEach(() => root?.stop(5_000));

  /** The actor over a state that the test sets, on a clock that the test moves. */
  async function start(over: Partial<SignalsServices> = {}) {
    const clock = new FakeClock();
    let state: SignalsState = { kind: 'probing', sinceMs: 0 };
    const listeners = new Set<(state: SignalsState) => void>();
    const raised: AlertInput[] = [];
    const resolved: string[] = [];
    const started: Application[] = [];
    const unsuitable: Error[] = [];
    const services: SignalsServices = {
      signals: {
        start: (application) => void started.push(application),
        state: () => state,
        onState(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        status: () => ({ waiting: 0, dropped: 0 }),
      },
      availability: { isUp: () => true, report: (error) => error instanceof DatabaseDownError },
      application: async () => own,
      onUnsuitable: (error) => void unsuitable.push(error),
      alerts: {
        raise: (alert) => void raised.push(alert),
        resolve: (rule) => void resolved.push(rule),
        flush: async () => {},
      },
      nowMs: clock.now,
      ...over,
    };
    root = await startTree(supervisor({ id: 'infrastructure', children: [signals(services)] }), {
      report: () => {},
      now: clock.now,
      timer: clock.timer,
    });
    await idle();
    return {
      started,
      raised,
      resolved,
      unsuitable,
      clock,
      enter(next: SignalsState) {
        state = next;
        for (const listener of listeners) listener(next);
      },
    };
  }

  const down = (error: Error, failures = 1): SignalsState => ({ kind: 'down', sinceMs: 0, failures, error });
  const refused = new Error('Redis cannot be reached: ECONNREFUSED');
  const owned = new PrefixOwnedError('linekeeper', { id: 'other.2', about: '' }, own);

  test('begins once the database can say who this is, and once only', async () => {
    let isUp = false;
    let answers = false;
    const { started, clock } = await start({
      availability: { isUp: () => isUp, report: (error) => error instanceof DatabaseDownError },
      application: async () => {
        if (!answers) throw new DatabaseDownError('gone again');
        return own;
      },
    });
    await clock.advance(500);
    isUp = true;
    await clock.advance(500);
    assert.deepEqual(started, []);
    answers = true;
    await clock.advance(5_000);
    assert.deepEqual(started, [own]);
  });

  test('an absence of 30 s is an alert and no end, and resolved when Redis is back', async () => {
    const { raised, resolved, unsuitable, clock, enter } = await start();
    enter(down(refused));
    await clock.advance(29_000);
    assert.equal(raised.length, 0);
    await clock.advance(3_000);
    assert.deepEqual(
      [raised[0]?.rule, raised[0]?.level, raised[0]?.detail],
      ['signals.down', 'warning', { error: refused.message }],
    );
    await clock.advance(3_600_000);
    enter({ kind: 'up', sinceMs: 0 });
    assert.ok(resolved.includes('signals.down'));
    assert.deepEqual(unsuitable, []);
    assert.equal(root!.snapshot().children?.[0]?.restarts, 0);
  });

  test('a prefix of another application, found by the first look, is for a person', async () => {
    const { unsuitable, raised, enter } = await start();
    enter(down(owned));
    assert.deepEqual(unsuitable, [owned]);
    assert.deepEqual(raised, []);
  });

  for (const [when, before] of [
    ['Redis was away at the start', down(refused)],
    ['it was this one’s before', { kind: 'up', sinceMs: 0 }],
  ] as const) {
    test(`a prefix that is found to be another application's when ${when} is an alert, and ends nothing`, async () => {
      const { unsuitable, raised, resolved, enter } = await start();
      enter(before);
      enter(down(owned, before.kind === 'down' ? 2 : 1));
      assert.deepEqual(unsuitable, []);
      assert.deepEqual([raised[0]?.rule, raised[0]?.level], ['signals.prefix-owned', 'critical']);
      assert.match(raised[0]!.message, /other\.2/);
      enter({ kind: 'up', sinceMs: 0 });
      assert.ok(resolved.includes('signals.prefix-owned'));
    });
  }
});
