import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { exchange } from '../../src/cluster/exchange.ts';
import type { FromNode, NodeOrder, ToNode } from '../../src/cluster/messages.ts';
import type { NodeProcess } from '../../src/cluster/node-process.ts';
import { type Channel, joinPrimary, NoPrimaryError } from '../../src/cluster/primary-link.ts';

const order = { type: 'order', index: 1, config: {}, watchdogMs: 4_000, alertWarnings: [] } as unknown as NodeOrder;

/** A node's end of the channel, without a process. */
function channel() {
  const emitter = new EventEmitter();
  const sent: FromNode[] = [];
  const end = Object.assign(emitter, {
    connected: true,
    sent,
    channel: { unref() {} },
    send: (message: FromNode) => sent.push(message) > 0,
    disconnect() {
      end.connected = false;
      emitter.emit('disconnect');
    },
    hear: (message: ToNode) => emitter.emit('message', message),
  });
  return end;
}

async function joined() {
  const end = channel();
  const joining = joinPrimary(end as unknown as Channel);
  end.hear(order);
  return { end, link: await joining };
}

test('a process that no primary started is told so, and so is one whose primary dies before its order', async () => {
  await assert.rejects(joinPrimary({ connected: false } as Channel), NoPrimaryError);
  const end = channel();
  const joining = joinPrimary(end as unknown as Channel);
  end.disconnect();
  await assert.rejects(joining, /went away before it said what to do/);
});

test('the primary is the service manager: ready, status once, proof', async () => {
  const { end, link } = await joined();
  assert.equal(link.manager.watchdogMs, 4_000);
  assert.equal(link.manager.ready('starting'), true);
  link.manager.status('working');
  link.manager.status('working');
  link.manager.feed();
  assert.deepEqual(
    end.sent.map(({ type }) => type),
    ['ready', 'status', 'proof'],
  );
});

test('a lost primary is told once, also to whoever asks later, and what is sent then is dropped', async () => {
  const { end, link } = await joined();
  let lost = 0;
  link.onLost(() => {
    lost += 1;
  });
  end.disconnect();
  await Promise.resolve();
  link.onLost(() => {
    lost += 1;
  });
  await Promise.resolve();
  assert.equal(lost, 2);
  link.send({ type: 'proof' });
  assert.deepEqual(end.sent, []);
});

test('a channel that the node itself closes is no loss', async () => {
  const { link } = await joined();
  link.onLost(() => assert.fail('it was closed'));
  link.close();
  await Promise.resolve();
});

test('a question gets its own answer through the primary, and one without an answer ends at its deadline', async () => {
  const { end, link } = await joined();
  const tests: string[] = [];
  const node = { index: 1, send: (message: ToNode) => end.hear(message) } as unknown as NodeProcess;
  const hear = exchange({
    alerts: {
      test: async (by: string) => {
        tests.push(by);
        return [{ channel: 'webhook', ok: true, error: null }];
      },
      flush: () => new Promise(() => {}),
    } as never,
    nodes: () => [node],
    onWorking: assert.fail,
    onGiveUp: assert.fail,
  });
  end.send = (message: FromNode) => {
    hear(1, message);
    return true;
  };
  const answer = await link.ask({ kind: 'test-alert', by: 'anna@cli' }, 1_000);
  assert.deepEqual([answer, tests], [[{ channel: 'webhook', ok: true, error: null }], ['anna@cli']]);
  await assert.rejects(
    link.ask({ kind: 'flush-alerts', deadlineMs: 10 }, 10),
    /did not answer flush-alerts within 10 ms/,
  );
});

test('a hint goes to every node but the one that gave it', () => {
  const heard: number[] = [];
  const nodes = [1, 2, 3].map((index) => ({ index, send: () => heard.push(index) }) as unknown as NodeProcess);
  const hear = exchange({ alerts: {} as never, nodes: () => nodes, onWorking: assert.fail, onGiveUp: assert.fail });
  hear(2, { type: 'signal', chainIds: ['7'] });
  assert.deepEqual(heard, [1, 3]);
});
