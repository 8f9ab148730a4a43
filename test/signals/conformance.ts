/** What every implementation of Signals must do. `settle` resolves when what was published has been delivered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Signals } from '../../src/signals/signals.ts';

const refuse = (error: unknown): never => assert.fail(String(error));

export function conformance(
  name: string,
  make: (onError: (error: unknown) => void) => Signals,
  settle: () => Promise<void>,
) {
  test(`${name}: every subscriber is told all ids, after publish has returned`, async () => {
    const signals = make(refuse);
    const seen: string[][] = [[], []];
    for (const list of seen) signals.subscribe((ids) => void list.push(...ids));
    signals.publish('1', '2');
    signals.publish('3');
    assert.deepEqual(seen, [[], []]);
    await settle();
    assert.deepEqual(seen, [
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
  });

  test(`${name}: an ended subscription is told nothing more, also when the same function has another one`, async () => {
    const signals = make(refuse);
    let calls = 0;
    const listener = () => {
      calls += 1;
    };
    const end = signals.subscribe(listener);
    signals.subscribe(listener);
    end();
    end();
    signals.publish('1');
    await settle();
    assert.equal(calls, 1);
  });

  test(`${name}: a throwing subscriber is reported and keeps the signal from nobody`, async () => {
    const errors: unknown[] = [];
    const signals = make((error) => void errors.push(error));
    const seen: string[] = [];
    signals.subscribe(() => {
      throw new Error('no');
    });
    signals.subscribe((ids) => void seen.push(...ids));
    signals.publish('1');
    await settle();
    assert.deepEqual(seen, ['1']);
    assert.equal(errors.length, 1);
  });

  test(`${name}: publishing nothing, or to nobody, does nothing`, async () => {
    const signals = make(refuse);
    signals.publish('1');
    await settle();
    signals.subscribe(() => assert.fail('there was nothing to tell'));
    signals.publish();
    await settle();
  });
}
