/** Proof of work: a row of the node's own through the real claim, completion and commit, or no proof. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chain, succeeded } from '../../src/chains/define.ts';
import { anyInput, harness, until } from './harness.ts';

const h = await harness();
after(() => h.close());

const proofs = async () =>
  (await h.database.query<{ node: string }>(`select node from step_log where step = 'prove' and outcome = 'succeeded'`))
    .length;
const leftovers = async () => (await h.database.query(`select 1 from chain where name like 'node-proof%'`)).length;

test('a node whose lanes are all busy, with urgent work waiting, still proves itself and leaves no row', async () => {
  const release = Promise.withResolvers<void>();
  const slow = chain('slow', anyInput).step('wait', async () => {
    await release.promise;
    return succeeded();
  });
  const engine = h.engine([slow], { lanes: 1, proofMs: 20 });
  for (let count = 0; count < 3; count += 1) {
    await h.database.transaction((tx) => h.enqueueWith([slow])(tx, 'slow', {}, { priority: 'critical' }));
  }
  await until(
    async () => engine.status().busy,
    (busy) => busy === 1,
  );
  const before = await proofs();
  await until(proofs, (count) => count >= before + 3);
  assert.equal(engine.status().busy, 1, 'the lane was busy all the time');
  assert.equal(await leftovers(), 0);
  release.resolve();
  await engine.stop(5_000);
});

test('no proof while nothing can be claimed, and one again as soon as it can', async () => {
  const engine = h.engine([], { proofMs: 20 });
  await until(
    async () => engine.status().provenMsAgo,
    (ago) => ago !== null,
  );
  await h.database.transaction(async (tx) => {
    await tx.query('lock table chain in share row exclusive mode');
    const before = await proofs();
    // the beat needs no chain: a node that is alive and gets nothing done
    await until(
      async () => engine.status(),
      ({ provenMsAgo, beatMsAgo }) => provenMsAgo! > 400 && beatMsAgo! < 200,
    );
    assert.equal(await proofs(), before);
  });
  await until(
    async () => engine.status().provenMsAgo!,
    (ago) => ago < 200,
  );
  assert.equal(await leftovers(), 0);
});

test('a database that takes no writes is named while it is asked again and again, and forgotten with the next proof', async () => {
  const refuse = async (code: string) =>
    h.database.query(`create or replace function no_room() returns trigger language plpgsql as
      $$ begin raise exception 'no room' using errcode = '${code}'; end $$`);
  const engine = h.engine([], { proofMs: 20 });
  for (const code of ['53100', '53200', '25006']) {
    await refuse(code);
    await h.database.query('create trigger full_disk before insert on chain for each row execute function no_room()');
    await until(
      async () => engine.status().refused,
      (refused) => refused?.why.endsWith(`no room (${code})`) === true,
    );
    // it goes on asking: the answer stays fresh, the proof grows old
    await until(
      async () => engine.status(),
      ({ provenMsAgo, refused }) => (provenMsAgo === null || provenMsAgo > 3_000) && refused!.msAgo < 2_500,
    );
    await h.database.query('drop trigger full_disk on chain');
    await until(
      async () => engine.status(),
      ({ refused, provenMsAgo }) => refused === null && provenMsAgo! < 1_000,
    );
  }
});

test('an error that is no lack of resources is not taken for one', async () => {
  const engine = h.engine([], { proofMs: 20 });
  await h.database.query(`create or replace function no_room() returns trigger language plpgsql as
    $$ begin raise exception 'not this' using errcode = '40001'; end $$`);
  await until(
    async () => engine.status().provenMsAgo,
    (ago) => ago !== null,
  );
  await h.database.query('create trigger full_disk before insert on chain for each row execute function no_room()');
  await until(
    async () => engine.status().provenMsAgo,
    (ago) => ago! > 300,
  );
  assert.equal(engine.status().refused, null);
  await h.database.query('drop trigger full_disk on chain');
});
