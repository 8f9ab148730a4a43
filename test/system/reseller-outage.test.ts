/**
 * F18: a reseller's sync on the real service, whose PostgreSQL is restarted and whose Redis is flushed at every border between its
 * commands and in the midst of its import. The totals are those of a run that nobody disturbed, and no attempt is burned.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { customersForm } from '../../simulator/account.ts';
import { applyCustomers } from '../../src/customers/apply.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { type ResellerWorld, resellerWorld } from '../providers/routit/reseller-world.ts';
import { callsOf, control, secrets } from '../simulator/http/served.ts';
import { admin, startTestServer, type TestServer } from '../support/database.ts';
import {
  assertSound,
  digestsOf,
  healthOf,
  restartedActors,
  startSync,
  stateDirectory,
  syncEnds,
  troubles,
} from '../support/recovery.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type RunningService, startService, until, working } from '../support/service.ts';

/** Where a transaction stands before it commits: that of a command, its last statement; `cdr`: that of the import, its first rows. */
const places = [
  'routit.discover',
  'routit.fetch',
  'routit-fetch.download',
  'routit.stage',
  'cdr',
  'routit.match',
  'routit.rate',
  'routit-customer.rate',
  'routit.totals',
] as const;

const holding = `
  create table held (place text primary key);
  create function stand_at(place text) returns void language plpgsql as $$
    declare name text := current_setting('application_name');
    begin
      while exists (select from held h where h.place = stand_at.place) loop
        perform set_config('application_name', 'stands at ' || place, false), pg_sleep(0.01);
      end loop;
      perform set_config('application_name', name, false);
    end $$;
  create function stand_at_border() returns trigger language plpgsql as $$
    begin
      perform stand_at((select c.name || '.' || new.step from chain c where c.id = new.chain_id));
      return new;
    end $$;
  create function stand_in_import() returns trigger language plpgsql as $$
    begin
      perform stand_at('cdr');
      return null;
    end $$;
  create trigger border before insert on step_log for each row execute function stand_at_border();
  create trigger import before insert on cdr for each statement execute function stand_in_import();`;

let world: ResellerWorld;
let postgres: TestServer;
let redis: TestRedis;
let database: Database;
let service: RunningService;
/** Of a run that nobody disturbed, and how many files it fetched. */
let undisturbed: { digests: readonly string[]; downloads: number };

before(async () => {
  [world, postgres, redis] = await Promise.all([resellerWorld({ records: 400 }), startTestServer(), startRedis()]);
  assert.equal((await world.sync()).status, 'succeeded');
  assert.deepEqual(await world.differences(), []);
  undisturbed = {
    digests: await digestsOf(world.database),
    downloads: await callsOf(world.served, 'ROUTIT.download'),
  };
  await control(world.served, 'DELETE', 'stats');
  await admin(postgres.url, 'create database reseller');
  const databaseUrl = postgres.url.replace('/postgres?', '/reseller?');
  await migrate(databaseUrl);
  database = openDatabase(databaseUrl, { applicationName: 'test', max: 2, onError: () => {} });
  await database.transaction(async (tx) => {
    for (const tariff of world.served.tariffs) await loadTariff(tx, tariff);
    await applyCustomers(tx, customersForm(world.served.contracts));
    await tx.query(`update sync_profile set next_due = now() + interval '1 hour'`);
  });
  await admin(databaseUrl, holding);
  service = startService({
    databaseUrl,
    stateDirectory: stateDirectory(),
    env: { REDIS_URL: redis.url, ROUTIT_PASSWORD: secrets.ROUTIT },
  });
  await working(service);
});
after(async () => {
  await service?.stop();
  await database?.close();
  await Promise.all([world?.close(), postgres?.stop(), redis?.stop()]);
});

test(`a sync through restarts of PostgreSQL and flushes of Redis at ${places.join(', ')} has the totals of an undisturbed one`, async () => {
  await database.query('insert into held select unnest($1::text[])', [places]);
  const { task } = await startSync(service, 'R001');
  for (const place of places) {
    await until(`a transaction to stand at ${place}`, async () => {
      const standing = `select from pg_stat_activity where application_name = 'stands at ' || $1`;
      return (await database.query(standing, [place])).length > 0;
    });
    assert.ok(Number(await redis.call('DBSIZE')) > 0);
    await redis.call('FLUSHALL');
    await postgres.pause();
    await postgres.resume();
    await database.query('delete from held where place = $1', [place]);
  }
  await syncEnds(service, task, 15_000);
  assert.deepEqual(await digestsOf(database), undisturbed.digests);
  // one that was under way without a transaction may have been asked for again
  assert.ok((await callsOf(world.served, 'ROUTIT.download')) <= 2 * undisturbed.downloads, 'no storm of downloads');
  await assertSound(database);
  assert.deepEqual([await troubles(database), await restartedActors(service)], [[], []]);
  await until('hints to be back', async () => {
    const { checks } = await healthOf(service);
    return checks.find(({ name }) => name === 'signals')?.status === 'ok';
  });
});
