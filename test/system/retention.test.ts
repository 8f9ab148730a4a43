/** The retention of the process that `npm start` runs: what has ended long ago is out of the way, and still there for people. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChainDetailView, ChainView, ChainWhyView } from '../../src/admin/views.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { testDatabase } from '../support/database.ts';
import { stateDirectory } from '../support/recovery.ts';
import { call, startService, until, working } from '../support/service.ts';

test('a service carries ended chains into history and drops old days; the doors show, explain and retry them', async () => {
  const server = await testDatabase();
  const database = openDatabase(server.url, { applicationName: 'test', max: 2, onError: () => {} });
  const rows = await database.query<{ id: string }>(
    `insert into chain (name, step, state, traceparent, input, finished_at, reason, reason_by)
     select 'sync-manager', 'open', state::chain_state, '00-11111111111111111111111111111111-1111111111111111-01', '{}',
            now() - interval '2 hours', 'because', 'test'
     from unnest('{succeeded,failed}'::text[]) state returning id`,
  );
  const [succeeded, failed] = rows.map(({ id }) => id);
  await database.query(
    `create table step_log_20200101 partition of step_log for values from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00')`,
  );
  const service = startService({ databaseUrl: server.url, stateDirectory: stateDirectory() });
  try {
    await working(service);
    await until('both to be in history, and the old day to be gone', async () => {
      const [now] = await database.query<{ done: boolean }>(
        `select (select count(*) = 2 from chain_history) and to_regclass('step_log_20200101') is null as done`,
      );
      return now!.done;
    });
    const partitions = await database.query<{ home: string }>(
      `select tableoid::regclass::text as home from chain_history where tableoid = 'chain_history_rest'::regclass`,
    );
    assert.deepEqual(partitions, []);
    const listed = await call<ChainView[]>(service.socket, 'GET', '/chains?limit=100');
    assert.ok([succeeded, failed].every((id) => listed.some((chain) => chain.id === id)));
    const shown = await call<ChainDetailView>(service.socket, 'GET', `/chains/${succeeded}`);
    assert.equal(shown.state, 'succeeded');
    const why = await call<ChainWhyView>(service.socket, 'GET', `/chains/${failed}/why`);
    assert.match(why.because, /has ended: failed .* to run that step again/);
    await call(service.socket, 'POST', `/chains/${failed}/retry`, {});
    const [back] = await database.query<{ n: number }>('select count(*)::int as n from chain where id = $1', [failed]);
    assert.equal(back!.n, 1);
  } finally {
    await service.stop();
    await database.close();
    await server.close();
  }
});
