import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chain, rejected, succeeded } from '../../src/chains/define.ts';
import { anyInput, effect, type Harness, harness, isState, silentLog, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

test('a handler whose read session is lost again and again burns no attempt: the database was away, not the step wrong', async () => {
  let runs = 0;
  const reader = chain('unlucky-reader', anyInput).step(
    'read',
    async ({ read }) => {
      runs += 1;
      // more often than the step has tries
      if (runs <= 4) await read.query('select pg_terminate_backend(pg_backend_pid())');
      return succeeded();
    },
    { retry: { tries: 2, delayMs: 1 } },
  );
  const engine = h.engine([reader]);
  const { chainId } = await h.enqueueWith([reader])(h.database, reader, {});
  await h.chainUntil(chainId, isState('succeeded', 'dead'), 15_000);
  const log = await h.database.query('select outcome, attempt from step_log where chain_id = $1 order by token', [
    chainId,
  ]);
  assert.deepEqual(
    log.map(({ outcome, attempt }) => `${outcome} ${attempt}`),
    ['rejected 1', 'rejected 1', 'rejected 1', 'rejected 1', 'succeeded 1'],
  );
  await engine.stop(1_000);
});

for (const shared of [false, true]) {
  test(`a disk that stays full under a callback${shared ? ' that shares its transaction' : ''} is waited out, and burns no attempt`, async () => {
    await h.database.query(`
      create or replace function no_space() returns trigger language plpgsql as $$
      begin
        raise exception 'could not extend file: No space left on device' using errcode = '53100';
      end $$;
      create or replace trigger full_disk before insert on effect execute function no_space()`);
    const writer = chain('writer', anyInput).step('write', effect('write'), { shared, retry: { tries: 1 } });
    let refused = 0;
    const log = {
      ...silentLog,
      warn() {
        refused += 1;
      },
    };
    const engine = h.engine([writer], { log, random: () => 0 });
    const { chainId } = await h.enqueueWith([writer])(h.database, writer, {});
    // more often than a deadlock is tried
    await until(
      async () => refused,
      (times) => times > 15,
    );
    await h.database.query('drop trigger full_disk on effect');
    const row = await h.chainUntil(chainId, isState('succeeded', 'dead'));
    assert.equal(row.state, 'succeeded', row.reason);
    const steps = await h.database.query('select outcome, attempt from step_log where chain_id = $1', [chainId]);
    assert.deepEqual(steps, [{ outcome: 'succeeded', attempt: 1 }]);
    await engine.stop(1_000);
  });
}

test('an outcome that PostgreSQL refuses to store is a crash of that step, and the engine goes on', async () => {
  const far = chain('far', anyInput).step('wait', async () => rejected('come back later', { afterMs: 1e20 }), {
    retry: { tries: 1 },
  });
  const plain = chain('plain', anyInput).step('go', async () => succeeded());
  const engine = h.engine([far, plain]);
  let engineCrash: unknown = null;
  engine.ended.catch((error: unknown) => {
    engineCrash = error;
  });
  const enqueue = h.enqueueWith([far, plain]);
  const { chainId } = await enqueue(h.database, far, {});
  const row = await h.chainUntil(chainId, isState('dead'));
  assert.match(row.reason, /out of range/);
  const other = await enqueue(h.database, plain, {});
  await h.chainUntil(other.chainId, isState('succeeded'));
  assert.equal(engineCrash, null);
  await engine.stop(1_000);
});

test('a phone number in what a handler throws reaches no row', async () => {
  const careless = chain('careless', anyInput).step(
    'crash',
    async () => {
      throw new Error('no subscription 31612345678', { cause: new Error('see +31687654321') });
    },
    { retry: { tries: 1 } },
  );
  const engine = h.engine([careless]);
  const { chainId } = await h.enqueueWith([careless])(h.database, careless, {});
  const row = await h.chainUntil(chainId, isState('dead'));
  const log = await h.database.query('select reason, error from step_log where chain_id = $1', [chainId]);
  const text = JSON.stringify([row.reason, log]);
  assert.match(text, /no subscription 3161234/);
  assert.doesNotMatch(text, /31612345678|31687654321/);
  await engine.stop(1_000);
});
