import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ipcSignals, type SignalLink } from '../../src/signals/ipc.ts';
import type { Signals } from '../../src/signals/signals.ts';
import { conformance } from './conformance.ts';

const fail = (error: unknown) => assert.fail(String(error));

conformance(
  'ipc',
  (onError) => ipcSignals({ send() {}, onReceive() {} }, onError),
  async () => {
    await turn();
  },
);

/** Nodes of one primary: what one sends reaches all the others, as the primary passes it on. */
function nodes(count: number): { signals: Signals; heard: string[]; sent: () => number }[] {
  const receivers: ((chainIds: readonly string[]) => void)[] = [];
  return Array.from({ length: count }, (_, own) => {
    let sent = 0;
    const link: SignalLink = {
      send(chainIds) {
        sent += 1;
        for (const [at, receive] of receivers.entries()) if (at !== own) receive([...chainIds]);
      },
      onReceive(listener) {
        receivers[own] = listener;
      },
    };
    const signals = ipcSignals(link, fail);
    const heard: string[] = [];
    signals.subscribe((chainIds) => heard.push(...chainIds));
    return { signals, heard, sent: () => sent };
  });
}

test('a hint reaches the listeners of every node once, in one message for one turn', async () => {
  const [first, second, third] = nodes(3);
  first!.signals.publish('1');
  first!.signals.publish('2', '3');
  await turn();
  await turn();
  for (const node of [first, second, third]) assert.deepEqual(node!.heard, ['1', '2', '3']);
  assert.deepEqual([first!.sent(), second!.sent(), third!.sent()], [1, 0, 0]);
});

test('nothing is sent for nothing, and an ended subscription hears no more', async () => {
  const [first, second] = nodes(2);
  const late: string[] = [];
  const end = second!.signals.subscribe((chainIds) => late.push(...chainIds));
  end();
  first!.signals.publish();
  await turn();
  assert.equal(first!.sent(), 0);
  first!.signals.publish('7');
  await turn();
  await turn();
  assert.deepEqual([late, second!.heard], [[], ['7']]);
});
