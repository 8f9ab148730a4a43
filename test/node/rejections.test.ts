import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { capture } from '../../otel/context.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { rejectionHandler } from '../../src/node/rejections.ts';
import { anyInput, harness, isState } from '../chains/harness.ts';

const h = await harness();
after(() => h.close());

const log = { error() {} };

test('a promise that a handler forgot is its chain’s crash, and the process and the engine go on', async () => {
  const forgetful = chain('forgetful', anyInput).step(
    'forget',
    async ({ signal }) => {
      void (async () => {
        await null;
        throw new Error('forgotten');
      })();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return succeeded();
    },
    { retry: { tries: 1 } },
  );
  const plain = chain('plain', anyInput).step('go', async () => succeeded());
  const engine = h.engine([forgetful, plain]);
  const fatal: Error[] = [];
  const handler = rejectionHandler({
    chainId: () => capture()?.chainId,
    crashRun: engine.crashRun,
    onFatal: (error) => void fatal.push(error),
    log,
    nowMs: () => 0,
  });
  // node:test has a listener of its own, which would fail this test
  const theirs = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', handler);
  try {
    const enqueue = h.enqueueWith([forgetful, plain]);
    const { chainId } = await enqueue(h.database, forgetful, {});
    const row = await h.chainUntil(chainId, isState('dead'));
    assert.match(row.reason, /forgotten/);
    const other = await enqueue(h.database, plain, {});
    await h.chainUntil(other.chainId, isState('succeeded'));
    assert.deepEqual(fatal, []);
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of theirs) process.on('unhandledRejection', listener);
  }
  await engine.stop(1_000);
});

test('a rejection without a chain, one of a run that is over, and the fifth in a minute end the process', () => {
  const run = (chainId: string | undefined, known: boolean) => {
    const fatal: string[] = [];
    let now = 0;
    const handler = rejectionHandler({
      chainId: () => chainId,
      crashRun: () => known,
      onFatal: (error) => void fatal.push(error.message),
      log,
      nowMs: () => now,
    });
    return {
      fatal,
      reject(message: string, atMs: number) {
        now = atMs;
        handler(new Error(message));
      },
    };
  };
  const nobodys = run(undefined, true);
  nobodys.reject('a', 0);
  assert.deepEqual(nobodys.fatal, ['a']);
  const over = run('1', false);
  over.reject('a', 0);
  assert.deepEqual(over.fatal, ['a']);
  const often = run('1', true);
  for (const at of [0, 1, 2, 3, 60_002, 60_003, 60_004, 60_005]) often.reject(`at ${at}`, at);
  assert.deepEqual(often.fatal, []);
  often.reject('too often', 60_005);
  assert.deepEqual(often.fatal, ['too often']);
});
