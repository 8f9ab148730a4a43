import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ChannelRefusedError, type Notice } from '../../src/alerts/channel.ts';
import { systemClock } from '../../src/alerts/clock.ts';
import { openDelivery } from '../../src/alerts/delivery.ts';
import { webhookChannel } from '../../src/alerts/webhook.ts';
import { createLog } from '../../src/log/log.ts';
import { openReceiver, type Receiver } from './receiver.ts';

let receiver: Receiver;
beforeEach(async () => {
  receiver = await openReceiver();
});
afterEach(() => receiver.close());

const notice: Notice = {
  status: 'open',
  rule: 'sync.late',
  subject: 'profile 12',
  level: 'warning',
  message: 'late',
  detail: {},
  occurrences: 1,
  firstAt: '2026-04-01T00:00:00.000Z',
  lastAt: '2026-04-01T00:00:00.000Z',
};
const never = new AbortController().signal;

function delivery(slept: number[] = []) {
  const lines: string[] = [];
  const it = openDelivery({
    channels: [webhookChannel({ url: receiver.url, timeoutMs: 100 })],
    log: createLog({ destination: { write: (line: string) => void lines.push(line) } }),
    clock: { ...systemClock, sleep: async (delayMs) => void slept.push(delayMs) },
    random: () => 1,
  });
  return { it, lines };
}

test('a 5xx answer and a receiver that hangs are tried again with growing waits', async () => {
  receiver.answers.push(503, 'hang', 429);
  const slept: number[] = [];
  assert.equal(await delivery(slept).it.offer(notice), true);
  assert.equal(receiver.got.length, 4);
  assert.deepEqual(slept, [1_000, 2_000, 4_000]);
});

test('a receiver that refuses is not asked again', async () => {
  receiver.answers.push(404);
  const { it, lines } = delivery();
  assert.equal(await it.offer(notice), false);
  assert.equal(receiver.got.length, 1);
  assert.ok(lines.some((line) => line.includes('answered 404')));
});

test('a redirect is refused, not followed', async () => {
  receiver.answers.push(302);
  await assert.rejects(webhookChannel({ url: receiver.url }).send(notice, never), ChannelRefusedError);
});

test('gives up after the last try and says so once, without the path of the URL', async () => {
  receiver.answers.push(500, 500, 500, 500);
  const { it, lines } = delivery();
  assert.equal(await it.offer(notice), false);
  assert.equal(receiver.got.length, 4);
  assert.equal(lines.length, 1);
  assert.ok(!lines.join().includes('secret-path'), lines.join());
});

test('after close nothing is sent and nothing waits', async () => {
  receiver.answers.push('hang');
  const { it } = delivery();
  const offers = [it.offer(notice), it.offer(notice)];
  await receiver.arrived(1);
  it.close();
  assert.deepEqual(await Promise.all([...offers, it.offer(notice)]), [false, false, false]);
  await it.idle();
});

test('a URL that is none is refused without showing it', () => {
  for (const url of ['hooks.example.org/T0/secret', 'ftp://example.org/secret', '']) {
    assert.throws(
      () => webhookChannel({ url }),
      (error: Error) => /must begin with http/.test(error.message) && !error.message.includes('secret'),
    );
  }
});
