import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { type DatabaseServices, database } from '../../actors/database.ts';
import type { AlertInput } from '../../src/alerts/alerts.ts';
import type { AvailabilityState } from '../../src/database/availability.ts';
import { DatabaseDownError } from '../../src/database/session.ts';
import { type Root, startTree, supervisor } from '../../supervisors/tree.ts';
import { idle } from '../supervisors/recorder.ts';

describe('the database actor', () => {
  let root: Root | null = null;
  afterEach(() => root?.stop(5_000));

  /** The actor over a state that the test sets, on a clock that the test moves. */
  async function start(over: Partial<DatabaseServices>) {
    let state: AvailabilityState = { kind: 'probing', sinceMs: 0 };
    let nowMs = 0;
    const listeners = new Set<(state: AvailabilityState) => void>();
    const raised: AlertInput[] = [];
    const resolved: string[] = [];
    const services: DatabaseServices = {
      availability: {
        state: () => state,
        lastProbeMs: () => null,
        report: () => true,
        look: () => {},
        whenUp: async () => {},
        subscribe(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        stop: () => {},
      },
      prepare: async () => {},
      maintain: async () => {},
      maintainEveryMs: 3_600_000,
      onPrepared: () => {},
      onMoved: () => () => {},
      hosts: () => null,
      isUnsuitable: () => false,
      onUnsuitable: () => {},
      onGiveUp: () => {},
      alerts: {
        raise: (alert) => void raised.push(alert),
        resolve: (rule) => void resolved.push(rule),
        flush: async () => {},
      },
      giveUpMs: 1_800_000,
      nowMs: () => nowMs,
      ...over,
    };
    root = await startTree(supervisor({ id: 'infrastructure', children: [database(services)] }), { report: () => {} });
    return {
      raised,
      resolved,
      enter(next: AvailabilityState) {
        state = next;
        for (const listener of listeners) listener(next);
      },
      /** Moves the clock and lets the actor look. */
      look(atMs: number) {
        nowMs = atMs;
        root!.ref<{ type: 'look' }>('database').send({ type: 'look' });
        return idle();
      },
    };
  }

  const down: AvailabilityState = { kind: 'down', sinceMs: 0, failures: 1, error: new Error('refused') };

  test('the schema is prepared once, when the database is up for the first time', async () => {
    let prepared = 0;
    const onPrepared = () => {
      prepared += 1;
    };
    const { enter } = await start({ onPrepared });
    enter(down);
    await idle();
    assert.equal(prepared, 0);
    enter({ kind: 'up', sinceMs: 0 });
    await idle();
    enter(down);
    enter({ kind: 'up', sinceMs: 0 });
    await idle();
    assert.equal(prepared, 1);
  });

  test('after a move the schema is prepared again, also when the move came in the midst of preparing', async () => {
    let tries = 0;
    let prepared = 0;
    const moved = new Set<() => void>();
    const prepare = async () => {
      tries += 1;
      if (tries === 2) for (const listener of [...moved]) listener();
    };
    const { enter } = await start({
      prepare,
      onPrepared: () => {
        prepared += 1;
      },
      onMoved(listener) {
        moved.add(listener);
        return () => moved.delete(listener);
      },
    });
    enter({ kind: 'up', sinceMs: 0 });
    await idle();
    assert.deepEqual([tries, prepared, moved.size], [1, 1, 1]);
    for (const listener of moved) listener();
    await idle();
    // the second try was of a host that was left: only the third counts
    assert.deepEqual([tries, prepared, moved.size], [3, 2, 1]);
  });

  test('hosts that are all another database end the process at once, without waiting them out', async () => {
    const found: Error[] = [];
    const { enter, look } = await start({ isUnsuitable: () => true, onUnsuitable: (error) => void found.push(error) });
    enter(down);
    await look(1);
    assert.equal(found[0], down.error);
  });

  test('a connection that breaks while preparing is waited out', async () => {
    let tries = 0;
    const prepare = async () => {
      tries += 1;
      if (tries === 1) throw new DatabaseDownError('gone');
    };
    const { enter } = await start({ prepare });
    enter({ kind: 'up', sinceMs: 0 });
    await idle();
    enter({ kind: 'up', sinceMs: 1 });
    await idle();
    assert.equal(tries, 2);
  });

  test('what only a person can change is handed on, and no restart is tried', async () => {
    const found: Error[] = [];
    const prepare = async () => {
      throw new Error('too old');
    };
    const { enter } = await start({
      prepare,
      isUnsuitable: () => true,
      onUnsuitable: (error) => void found.push(error),
    });
    enter({ kind: 'up', sinceMs: 0 });
    await idle();
    assert.equal(found[0]?.message, 'too old');
    assert.equal(root!.snapshot().children[0]!.restarts, 0);
  });

  test('thirty seconds without the database are an alert that ends when it is back, and half an hour is the end', async () => {
    const gaveUp: Error[] = [];
    const { enter, look, raised, resolved } = await start({ onGiveUp: (error) => void gaveUp.push(error) });
    enter({ kind: 'up', sinceMs: 0 });
    enter(down);
    await look(29_000);
    assert.equal(raised.length, 0);
    await look(31_000);
    assert.deepEqual(
      raised.map((alert) => alert.rule),
      ['database.down'],
    );
    await look(1_799_000);
    assert.equal(gaveUp.length, 0);
    await look(1_801_000);
    assert.equal(gaveUp.length, 1);
    enter({ kind: 'up', sinceMs: 1_801_000 });
    assert.ok(resolved.includes('database.down'));
  });

  test('a process that has never seen the database waits for it, however long that takes', async () => {
    const gaveUp: Error[] = [];
    const { enter, look, raised } = await start({ onGiveUp: (error) => void gaveUp.push(error) });
    enter(down);
    await look(10_000_000);
    assert.equal(gaveUp.length, 0);
    assert.deepEqual(raised[0]?.rule, 'database.down');
  });

  test('preparing over a connection that never answers ends with the outage, and is done again after it', async () => {
    let tries = 0;
    const prepare = async () => {
      tries += 1;
      if (tries === 1) await new Promise(() => {});
    };
    const { enter } = await start({ prepare });
    enter({ kind: 'up', sinceMs: 0 });
    await idle();
    enter(down);
    await idle();
    enter({ kind: 'up', sinceMs: 0 });
    await idle();
    assert.equal(tries, 2);
  });

  test('what a node must keep up, such as the partitions of its log, is done again and again, also after an outage', async () => {
    let maintained = 0;
    const enough = Promise.withResolvers<void>();
    const maintain = async () => {
      maintained += 1;
      if (maintained === 2) throw new DatabaseDownError('away');
      if (maintained === 4) enough.resolve();
    };
    const { enter } = await start({ maintain, maintainEveryMs: 1 });
    enter({ kind: 'up', sinceMs: 0 });
    await enough.promise;
    assert.equal(root!.snapshot().children[0]!.restarts, 0);
  });
});
