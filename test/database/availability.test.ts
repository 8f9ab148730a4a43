import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AvailabilityOptions, watchAvailability } from '../../src/database/availability.ts';
import { askServer } from '../../src/database/server-facts.ts';
import { DatabaseDownError } from '../../src/database/session.ts';
import { emptyDatabase } from '../support/database.ts';

const lost = new DatabaseDownError('connection lost');

/** A clock that is turned by hand, and a probe whose every answer the test gives. */
function harness(options: Partial<AvailabilityOptions> = {}) {
  let nowMs = 1_000;
  let timers: { atMs: number; run: () => void }[] = [];
  const probes: { answer: (error?: Error) => Promise<void>; signal: AbortSignal; atMs: number }[] = [];
  const availability = watchAvailability({
    now: () => nowMs,
    random: () => 0.5,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    probe: (signal) =>
      new Promise<void>((resolve, reject) => {
        probes.push({
          signal,
          atMs: nowMs,
          async answer(error) {
            if (error) reject(error);
            else resolve();
            await new Promise(setImmediate);
          },
        });
      }),
    ...options,
  });
  const kinds: string[] = [];
  availability.subscribe((state) => kinds.push(state.kind));
  return {
    availability,
    probes,
    kinds,
    /** Turns the clock, running what falls due on the way. */
    async turn(ms: number) {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        nowMs = next.atMs;
        next.run();
        await new Promise(setImmediate);
      }
      nowMs = untilMs;
    },
  };
}

test('it begins in doubt and is up after the first probe that succeeds', async () => {
  const { availability, probes, kinds } = harness();
  assert.equal(availability.state().kind, 'probing');
  const waiting = availability.whenUp();
  await probes[0]!.answer();
  await waiting;
  await availability.whenUp();
  assert.deepEqual(kinds, ['up']);
});

test('a reported connection error leads to a probe at once, and one that succeeds was a false alarm', async () => {
  const { availability, probes, kinds } = harness();
  await probes[0]!.answer();
  assert.equal(availability.report(new Error('syntax error')), false);
  assert.equal(probes.length, 1);
  assert.equal(availability.report(lost), true);
  assert.equal(availability.report(lost), true);
  assert.equal(probes.length, 2);
  await probes[1]!.answer();
  assert.deepEqual(kinds, ['up', 'probing', 'up']);
});

test('down counts from the first doubt, and probes follow after 0.2 to 5 s until one succeeds', async () => {
  const { availability, probes, kinds, turn } = harness();
  await probes[0]!.answer();
  await turn(700);
  availability.report(lost);
  const doubtMs = 1_700;
  for (let n = 1; n < 12; n += 1) {
    await probes[n]!.answer(new Error(`refused ${n}`));
    const state = availability.state();
    assert.ok(state.kind === 'down' && state.sinceMs === doubtMs && state.failures === n);
    await turn(5_000);
    assert.equal(probes.length, n + 2, 'a probe is under way within 5 s');
    const gapMs = probes[n + 1]!.atMs - probes[n]!.atMs;
    assert.ok(n === 1 || gapMs >= 200, `${gapMs}`);
  }
  const waiting = availability.whenUp();
  await probes.at(-1)!.answer();
  await waiting;
  assert.deepEqual(kinds, ['up', 'probing', 'down', 'up']);
});

test('the delays of many nodes are spread by their randomness', async () => {
  const seen = new Set<number>();
  for (const random of [0, 0.25, 0.999]) {
    const { probes, turn } = harness({ random: () => random });
    for (let n = 0; n < 6; n += 1) {
      await probes[n]!.answer(new Error('refused'));
      await turn(5_000);
    }
    seen.add(probes[6]!.atMs);
  }
  assert.equal(seen.size, 3);
});

test('a probe that hangs is abandoned after its time, and its late success counts for nothing', async () => {
  const { availability, probes, turn } = harness();
  await turn(4_999);
  assert.equal(availability.state().kind, 'probing');
  await turn(1);
  assert.equal(availability.state().kind, 'down');
  assert.ok(probes[0]!.signal.aborted);
  await probes[0]!.answer();
  assert.equal(availability.state().kind, 'down');
});

test('what a probe from before a reported error says is not believed', async () => {
  const { availability, probes, turn } = harness();
  await probes[0]!.answer();
  await turn(5_000);
  assert.equal(probes.length, 2, 'it probes while up');
  availability.report(lost);
  await probes[1]!.answer();
  assert.equal(availability.state().kind, 'probing');
  await probes[2]!.answer(new Error('refused'));
  assert.equal(availability.state().kind, 'down');
});

test('errors that go on coming do not put off what a probe that hangs will show', async () => {
  const { availability, kinds, probes, turn } = harness();
  await probes[0]!.answer();
  await turn(5_000);
  assert.equal(probes.length, 2);
  await turn(4_000);
  availability.report(lost);
  await turn(400);
  assert.deepEqual(kinds, ['up', 'probing', 'down']);
  assert.equal(probes.length, 2);
});

test('a probe that fails while up is an outage without any report', async () => {
  const { availability, probes, turn, kinds } = harness();
  await probes[0]!.answer();
  await turn(5_000);
  await probes[1]!.answer(new Error('refused'));
  assert.deepEqual(kinds, ['up', 'down']);
  assert.equal(availability.lastProbeMs(), probes[1]!.atMs);
});

test('whoever waits can give up, and a stop rejects the rest', async () => {
  const { availability, probes, turn } = harness();
  const impatient = new AbortController();
  const first = availability.whenUp(impatient.signal);
  const second = availability.whenUp();
  impatient.abort(new Error('enough'));
  await assert.rejects(first, /enough/);
  await assert.rejects(availability.whenUp(impatient.signal), /enough/);
  availability.stop();
  availability.stop();
  await assert.rejects(second, DatabaseDownError);
  await assert.rejects(availability.whenUp(), /stopped/);
  await turn(60_000);
  assert.equal(probes.length, 1);
});

test('a real probe succeeds on a live server and fails where none is', async () => {
  const server = await emptyDatabase();
  const never = new AbortController().signal;
  try {
    const { system, ...facts } = await askServer(server.url, never, 5_000);
    assert.deepEqual(facts, { standby: false, writable: true, timeline: 1 });
    assert.match(system!, /^\d{19}$/);
    await assert.rejects(askServer('postgres://linekeeper@127.0.0.1:1/x', never, 5_000), /ECONNREFUSED/);
    await assert.rejects(askServer(server.url, AbortSignal.abort(new Error('stopped')), 5_000), /stopped/);
  } finally {
    await server.close();
  }
});
