import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { cancelChain, retryChain } from '../../src/chains/commands.ts';
import { chain, failed, succeeded } from '../../src/chains/define.ts';
import { carryFinished, dropExpiredKeys } from '../../src/chains/history.ts';
import { listChains, showChain } from '../../src/chains/queries.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());
beforeEach(() => h.database.query('truncate chain, chain_history, chain_key, step_log'));

const hour = { keepMs: 3_600_000, limit: 1_000 };
const inserted = `
  insert into chain (name, step, state, traceparent, input, finished_at, unique_key, reason, reason_by, token)
  select 'old', 'a', $1::chain_state, 't' || n, jsonb_build_object('n', n),
         case when $2::text is not null then now() - $2::interval end, $4 || n, 'because', 'engine', 7
  from generate_series(1, $3::integer) n returning id`;

/** `keyPrefix` gives each chain the unique key `<prefix><n>`, held by it. */
async function put(state: string, age: string | null, count = 1, keyPrefix: string | null = null): Promise<string[]> {
  const rows = await h.database.query<{ id: string }>(inserted, [state, age, count, keyPrefix]);
  if (keyPrefix) {
    await h.database.query(
      `insert into chain_key (key, chain_id) select unique_key, id from chain where unique_key like $1 || '%'`,
      [keyPrefix],
    );
  }
  return rows.map(({ id }) => id);
}

const idsIn = async (table: 'chain' | 'chain_history') =>
  (await h.database.query<{ id: string }>(`select id from ${table} order by id`)).map(({ id }) => id);
const keys = async () =>
  (await h.database.query<{ key: string }>('select key from chain_key order by key')).map(({ key }) => key);

test('chains that ended long enough ago move, all of them and nothing else, as they were', async () => {
  const moving = [
    await put('succeeded', '61 minutes', 3),
    await put('failed', '2 days'),
    await put('cancelled', '3 hours'),
  ];
  await put('succeeded', '59 minutes');
  for (const state of ['ready', 'running', 'timer', 'children', 'paused', 'blocked', 'dead', 'quarantined']) {
    await put(state, null);
  }
  // no finished_at, yet old: nothing that waits for a person is ever carried away
  await h.database.query(
    `update chain set finished_at = now() - interval '1 day' where state in ('dead', 'quarantined')`,
  );
  const stays = (await idsIn('chain')).length - moving.flat().length;
  const look = () => h.database.query('select * from every_chain order by id');
  const before = await look();
  assert.equal((await carryFinished(h.database, { ...hour, limit: 2 })).carried, 2);
  assert.equal((await carryFinished(h.database, hour)).carried, 3);
  assert.equal((await carryFinished(h.database, hour)).carried, 0);
  assert.deepEqual((await idsIn('chain_history')).sort(), moving.flat().sort());
  assert.equal((await idsIn('chain')).length, stays);
  assert.deepEqual(await look(), before);
});

test('history and its view have the columns of chain, in the same order', async () => {
  const columnsOf = async (table: string) =>
    h.database.query(
      `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
      [table],
    );
  const there = await columnsOf('chain');
  // whoever adds a column to chain adds it to chain_history, and makes every_chain anew
  assert.deepEqual(await columnsOf('chain_history'), there);
  assert.deepEqual(await columnsOf('every_chain'), there);
});

test('movers of several nodes and retries at the same time leave every chain in one place, retried ones once', async () => {
  const ids = await put('failed', '2 hours', 400, 'k');
  const retried = ids.filter((_, index) => index % 4 === 0);
  const move = async () => {
    for (;;) if ((await carryFinished(h.database, { ...hour, limit: 7 })).carried === 0) return;
  };
  const retry = async () => {
    for (const id of retried) {
      // two people at once: one of them wins
      const both = await Promise.allSettled([retryChain(h.database, id, 'anna'), retryChain(h.database, id, 'ben')]);
      assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      const lost = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
      assert.match(String(lost.reason), /is ready; only dead, failed and quarantined chains are retried/);
    }
  };
  await Promise.all([move(), move(), move(), retry()]);
  await move();
  assert.deepEqual(await idsIn('chain'), retried);
  assert.deepEqual(
    await idsIn('chain_history'),
    ids.filter((id) => !retried.includes(id)),
  );
  const rows = await h.database.query(`select state, token from chain group by state, token`);
  assert.deepEqual(rows, [{ state: 'ready', token: '8' }]);
  const [log] = await h.database.query(
    `select count(*)::int as n from step_log where outcome = 'retried' and token = 8`,
  );
  assert.equal(log!.n, retried.length);
  const held = await h.database.query<{ id: string }>('select chain_id as id from chain_key order by chain_id');
  assert.deepEqual(
    held.map(({ id }) => id),
    retried,
  );
});

test('a moved chain gives its unique key free, except one that is kept until it expires', async () => {
  await put('succeeded', '2 hours', 3, 'u');
  await h.database.query(`update chain_key set expires_at = now() + interval '1 hour' where key = 'u2'`);
  await h.database.query(
    `update chain_key set expires_at = now() - interval '1 second', chain_id = 0 where key = 'u3'`,
  );
  assert.equal((await carryFinished(h.database, hour)).carried, 3);
  assert.deepEqual(await keys(), ['u2', 'u3']);
  // no chain holds u3 any more and its time is over; u2 still has its hour
  assert.equal(await dropExpiredKeys(h.database, 100), 1);
  assert.deepEqual(await keys(), ['u2']);
  const only = chain('only', anyInput).step('a', async () => succeeded());
  const enqueue = h.enqueueWith([only]);
  const first = await enqueue(h.database, only, {}, { uniqueKey: 'u1' });
  assert.equal(first.created, true);
  assert.deepEqual(await enqueue(h.database, only, {}, { uniqueKey: 'u1' }), { ...first, created: false });
  assert.equal((await enqueue(h.database, only, {}, { uniqueKey: 'u2' })).created, true);
});

test('what somebody holds is passed over at once and moved later: a chain, or the key of one', async () => {
  const [held] = await put('succeeded', '2 hours', 1, 'h');
  const [ofKey] = await put('succeeded', '2 hours', 1, 'k');
  const free = await put('succeeded', '2 hours', 5);
  await h.database.transaction(async (tx) => {
    await tx.query('select 1 from chain where id = $1 for no key update', [held]);
    await tx.query(`select 1 from chain_key where key = 'k1' for no key update`);
    assert.equal((await carryFinished(h.database, hour)).carried, free.length);
    assert.deepEqual(await idsIn('chain'), [held, ofKey]);
  });
  assert.equal((await carryFinished(h.database, hour)).carried, 2);
  assert.deepEqual(await keys(), []);
});

test('a failed chain in history is shown, listed and explained as before, and a retry runs it to its end', async () => {
  let broken = true;
  const mended = chain('mended', anyInput)
    .step('one', async () => succeeded({ output: 1 }))
    .step('two', async () => (broken ? failed('not yet') : succeeded()));
  const engine = h.engine([mended]);
  const { chainId } = await h.enqueueWith([mended])(h.database, mended, {}, { uniqueKey: 'mended' });
  await h.chainUntil(chainId, isState('failed'));
  const seen = async () => [
    await showChain(h.database, chainId),
    await why(h.database, chainId),
    await listChains(h.database, { states: ['failed'], name: 'mended' }),
  ];
  const before = await seen();
  assert.equal((await carryFinished(h.database, { keepMs: 0, limit: 10 })).carried, 1);
  assert.deepEqual(await idsIn('chain'), []);
  assert.deepEqual(await seen(), before);
  await assert.rejects(cancelChain(h.database, chainId, 'anna'), /has already ended: failed/);
  assert.deepEqual(await idsIn('chain'), []);
  broken = false;
  await retryChain(h.database, chainId, 'anna');
  await h.chainUntil(chainId, isState('succeeded'));
  const log = (await showChain(h.database, chainId))!.log.map(({ step, outcome }) => `${step} ${outcome}`);
  assert.deepEqual(log, ['one succeeded', 'two failed', 'two retried', 'two succeeded']);
  assert.equal((await carryFinished(h.database, { keepMs: 0, limit: 10 })).carried, 1);
  await assert.rejects(retryChain(h.database, chainId, 'anna'), /is succeeded; only dead, failed and quarantined/);
  await assert.rejects(retryChain(h.database, '999999', 'anna'), /there is no chain 999999/);
  await engine.stop(1_000);
});

test('a retry from history is refused while another chain has the key, and history keeps the chain', async () => {
  const [id] = await put('failed', '2 hours', 1, 'r');
  await carryFinished(h.database, hour);
  const only = chain('only', anyInput).step('a', async () => succeeded());
  const other = await h.enqueueWith([only])(h.database, only, {}, { uniqueKey: 'r1' });
  await assert.rejects(
    retryChain(h.database, id!, 'anna'),
    new RegExp(`chain ${other.chainId} is open for the same key`),
  );
  assert.deepEqual(await idsIn('chain_history'), [id]);
});
