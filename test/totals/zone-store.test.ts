import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { compileTariff } from '../../src/telecom/compile-tariff.ts';
import { createRater } from '../../src/telecom/rating.ts';
import { loadTariff, readTariff, readTariffVersions } from '../../src/totals/tariff-store.ts';
import { loadZoneSets } from '../../src/totals/zone-store.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { recordOf } from '../telecom/worked-tariff.ts';

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test' });
});
after(async () => {
  await database.close();
  await server.close();
});

const change = '2026-03-10T00:00:00';
const zones = (swiss: string, validFrom: string, validTo: string | null) => ({
  validFrom,
  validTo,
  zones: { eu: ['208', ...(swiss === 'eu' ? ['228'] : [])], world: ['310', ...(swiss === 'world' ? ['228'] : [])] },
});
const document = (...sets: object[]) => ({ provider: 'KPN', timeZone: 'Europe/Amsterdam', sets });
const load = (...sets: object[]) => database.transaction((tx) => loadZoneSets(tx, document(...sets)));

const rule = (id: string, zone: string, price: string) => ({
  id,
  kind: 'voice',
  match: { zones: [zone] },
  steps: [{ from: 0, price, per: 60, first: 60, next: 60 }],
});
const tariff = {
  tariff: 'roaming',
  provider: 'KPN',
  currency: 'EUR',
  timeZone: 'Europe/Amsterdam',
  versions: [
    { validFrom: '2026-01-01T00:00:00', validTo: null, rules: [rule('near', 'eu', '0.10'), rule('far', 'world', '1')] },
  ],
};

/** The rule of a minute in Switzerland on these days of March. */
async function rulesOf(days: string[], read = readTariff): Promise<unknown[]> {
  const { bundle } = await database.read(async (session) => {
    const [row] = await session.query<{ id: string }>(`select id from tariff where code = 'roaming'`);
    return read(session, row!.id);
  });
  const rater = createRater(compileTariff(bundle, 'Europe/Amsterdam'));
  return days.map((day) => rater.rate(recordOf({ start: `2026-03-${day}`, visited: '22801' })).rule);
}

const days = ['09T23:59:59', '10T00:00:00'];

test('a tariff that names zones which the provider does not have is refused until they are loaded', async () => {
  await assert.rejects(
    database.transaction((tx) => loadTariff(tx, tariff)),
    /"eu" is not a zone of this version \(zones: none\)/,
  );
  const first = await load(zones('world', '2020-01-01T00:00:00', change), zones('eu', change, null));
  assert.deepEqual(first, { provider: 'KPN', sets: 2, added: 2, replaced: 0 });
  await database.transaction((tx) => loadTariff(tx, tariff));
});

test('the same tariff sees another zone from a date on', async () => {
  assert.deepEqual(await rulesOf(days), ['far', 'near']);
});

test('a set of the same beginning replaces, an overlapping one is refused, the same again changes nothing', async () => {
  const [row] = await database.query<{ id: string }>('select id from tariff');
  const old = await database.read((session) => readTariff(session, row!.id));
  assert.deepEqual(await load(zones('eu', change, null)), { provider: 'KPN', sets: 1, added: 0, replaced: 0 });
  await assert.rejects(load(zones('eu', '2026-02-01T00:00:00', null)), /overlaps the stored one/);
  assert.deepEqual(await load(zones('world', change, null)), { provider: 'KPN', sets: 1, added: 1, replaced: 1 });
  assert.deepEqual(await rulesOf(days), ['far', 'far']);
  const now = await database.read((session) => readTariff(session, row!.id));
  assert.notDeepEqual(now.hash, old.hash);
  // what was rated before is rated with what held then
  const asBefore = (session: Parameters<typeof readTariff>[0]) =>
    readTariffVersions(session, old.versionIds, old.zoneSetIds);
  assert.deepEqual(await rulesOf(days, asBefore), ['far', 'near']);
});

test('what is valid until further notice is ended by telling it again with an end, before what follows it', async () => {
  const [version] = tariff.versions;
  const ended = { ...version!, validTo: change };
  const dearer = {
    validFrom: change,
    validTo: null,
    rules: [rule('near-2', 'eu', '0.20'), rule('far-2', 'world', '2')],
  };
  const loadVersions = (...versions: object[]) => database.transaction((tx) => loadTariff(tx, { ...tariff, versions }));
  await assert.rejects(loadVersions(dearer), /overlaps the stored one .* into this document again with a validTo/);
  const loaded = await loadVersions(dearer, ended);
  assert.deepEqual(loaded, { tariff: 'roaming', versions: 2, added: 2, replaced: 1 });
  // a document from before the change cannot take the later version away unseen
  await assert.rejects(loadVersions(version!), /overlaps the stored one/);
  const later = '2026-03-20T00:00:00';
  assert.deepEqual(await load(zones('world', change, later), zones('eu', later, null)), {
    provider: 'KPN',
    sets: 2,
    added: 2,
    replaced: 1,
  });
  assert.deepEqual(await rulesOf([...days, '20T00:00:00']), ['far', 'far-2', 'near-2']);
});
