import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RecycleLimits, recycler } from '../../actors/recycler.ts';
import { startTree, supervisor } from '../../supervisors/tree.ts';
import { idle } from '../supervisors/recorder.ts';

/** Looks once at each of the readings; resolves to the reasons it gave. */
async function looks(limits: RecycleLimits, readings: { chains?: number; uptimeMs?: number; memoryMb?: number }[]) {
  const asked: string[] = [];
  let now = readings[0]!;
  const actor = recycler({
    limits,
    chains: () => now.chains ?? 0,
    uptimeMs: () => now.uptimeMs ?? 0,
    memoryMb: () => now.memoryMb ?? 0,
    onRecycle: (why) => asked.push(why),
    intervalMs: 3_600_000,
  });
  const root = await startTree(supervisor({ id: 'guardians', children: [actor] }), { report: () => {} });
  await idle();
  for (const reading of readings.slice(1)) {
    now = reading;
    root.ref<{ type: 'look' }>('recycler').send({ type: 'look' });
    await idle();
  }
  await root.stop(1_000);
  return asked;
}

test('without limits nothing is ever recycled', async () => {
  assert.deepEqual(await looks({}, [{ chains: 1e9, uptimeMs: 1e12, memoryMb: 1e6 }]), []);
});

test('a limit of chains or of time is asked for once, when it is reached', async () => {
  const readings = [{ chains: 9 }, { chains: 10 }, { chains: 11 }];
  assert.deepEqual(await looks({ afterChains: 10 }, readings), [
    'recycled: it has carried 10 chains (recycle.afterChains 10)',
  ]);
  assert.deepEqual(await looks({ afterMs: 5_000 }, [{ uptimeMs: 4_999 }, { uptimeMs: 5_000 }]), [
    'recycled: it has lived for 5 s (recycle.afterMs 5000)',
  ]);
});

test('memory must be too much at three looks in a row', async () => {
  const [light, heavy] = [{ memoryMb: 100 }, { memoryMb: 101 }];
  assert.deepEqual(await looks({ aboveMemoryMb: 100 }, [heavy, heavy, light, heavy, heavy]), []);
  assert.deepEqual(await looks({ aboveMemoryMb: 100 }, [heavy, heavy, heavy]), [
    'recycled: it holds 101 MB (recycle.aboveMemoryMb 100)',
  ]);
});
