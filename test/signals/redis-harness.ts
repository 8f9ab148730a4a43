/** What the tests of Redis signals share: nodes on one Redis, and whether what one says another hears. */
import assert from 'node:assert/strict';
import type { Application } from '../../src/signals/prefix-owner.ts';
import {
  type RedisSignals,
  type RedisSignalsOptions,
  redisSignals,
  type SignalsState,
} from '../../src/signals/redis.ts';
import { createRoom, type Room } from '../../src/signals/room.ts';
import { until } from '../chains/harness.ts';

export const application: Application = { id: '00000000-0000-4000-8000-000000000001.1', about: 'a test' };

export interface SignalsNode {
  readonly signals: RedisSignals;
  readonly heard: string[];
  readonly room: Room;
}

let number = 0;
const made: RedisSignals[] = [];

/** Of their own boot ids; short times, so that a test does not wait. */
export function signalsAt(url: string, prefix: string, options: Partial<RedisSignalsOptions> = {}): RedisSignals {
  number += 1;
  const signals = redisSignals({
    url,
    prefix,
    bootId: `boot-${number}`,
    onError: (error) => assert.fail(String(error)),
    nowMs: () => performance.now(),
    wallMs: Date.now,
    random: Math.random,
    minDelayMs: 20,
    maxDelayMs: 100,
    timing: { answerMs: 500, blockMs: 300, heartbeatMs: 100 },
    ...options,
  });
  made.push(signals);
  return signals;
}

/** Started, and with one subscriber that has room for `free` chains, looks at once, and never fills. */
export function nodeAt(
  url: string,
  prefix: string,
  options: Partial<RedisSignalsOptions> & { free?: number; application?: Application } = {},
): SignalsNode {
  const { free = 64, application: own = application, ...rest } = options;
  const signals = signalsAt(url, prefix, rest);
  const heard: string[] = [];
  const room = createRoom();
  signals.subscribe((chainIds) => {
    heard.push(...chainIds);
    setImmediate(() => room.set(free));
  }, room);
  room.set(free);
  signals.start(own);
  return { signals, heard, room };
}

/** Resolves to the state once it is of this kind. */
export function stateOf(signals: RedisSignals, ...kinds: SignalsState['kind'][]): Promise<SignalsState> {
  return until(
    async () => signals.state(),
    (state) => kinds.includes(state.kind),
    8_000,
  );
}

let chainId = 1_000;

/** Each publish of `from` is a new hint: one of them has to come through. Fails when none does. */
export async function hears(from: SignalsNode | RedisSignals, to: SignalsNode): Promise<void> {
  const signals = 'signals' in from ? from.signals : from;
  const sent = new Set<string>();
  await until(
    async () => {
      chainId += 1;
      sent.add(String(chainId));
      signals.publish(String(chainId));
      return to.heard.some((heard) => sent.has(heard));
    },
    (through) => through,
    8_000,
  );
}

export function stopAll(): void {
  for (const signals of made.splice(0)) signals.stop();
}
