/** APIs whose pages lead nowhere, to nobody, or into the past: they are asked a bounded number of times, and nothing is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiForTests } from './api-for-tests.ts';
import { type Answer, callsOf, json } from './api-world.ts';

const { world, api } = await apiForTests();

const byKey = { kind: 'apikey', header: 'x-key' };
const withKey = () => ({ base: `http://localhost:${api.port}`, apiKey: { env: 'KEY' } });
const succeeded = { state: 'succeeded', reason: null };
const wheres = () => api.asked.map(({ where }) => where.replace('/usage', '').trim());
const asUsual = () => undefined;
const times = (n: number, answer: Answer) => Array.from({ length: n }, () => answer);

test('F14 cursors that lead in a circle are followed once, then the window is read anew, and then the step waits', async () => {
  await world.connect(withKey());
  const leadsTo =
    (next: string): Answer =>
    (response, url) =>
      json(response, 200, { items: callsOf(url.searchParams.get('from')!, 1), total: 5, next });
  const circle = [leadsTo('a'), leadsTo('b'), leadsTo('a')];
  api.answers.push(...circle, ...circle, ...circle);
  const waited: string[] = [];
  assert.deepEqual(await world.sync(byKey, 'cursor', (why) => void waited.push(why)), succeeded);
  assert.match(waited[0]!, /the pages from .* lead in a circle/);
  assert.deepEqual(wheres().slice(0, 10), [
    '',
    'cursor=a',
    'cursor=b',
    '',
    'cursor=a',
    'cursor=b',
    '',
    'cursor=a',
    'cursor=b',
    '',
  ]);
  assert.equal(await world.records(), 5);
});

test('F14 an API that does not know the parameter of its pages, and sends the first for ever, is left alone soon', async () => {
  await world.connect(withKey());
  const always: Answer = (response, url) =>
    json(response, 200, { items: callsOf(url.searchParams.get('from')!, 2), total: 5, asOf: api.asked.length });
  api.answers.push(...times(60, always));
  const waited: string[] = [];
  let asked = 0;
  const look = (why: string) => {
    waited.push(why);
    asked ||= api.asked.length;
    api.answers = [];
  };
  assert.deepEqual(await world.sync(byKey, 'offset', look), succeeded);
  assert.match(waited[0]!, /tell nothing new, .* does it know the parameter skip\?/);
  assert.ok(asked < 40, `${asked} requests`);
  assert.equal(await world.records(), 5);
});

test('F14 a kept cursor that is refused, in whatever way, has its window read from its beginning', async () => {
  for (const refusal of [
    (response: Parameters<Answer>[0]) => json(response, 404, { error: 'no such cursor' }),
    (response: Parameters<Answer>[0]) => json(response, 400, {}),
    (response: Parameters<Answer>[0]) => {
      response.writeHead(410, { 'content-type': 'text/html' }).end('<h1>Gone</h1>');
      return true as const;
    },
  ]) {
    api.asked.length = 0;
    await world.connect(withKey());
    api.answers = [asUsual, asUsual, (response) => json(response, 500, {}), refusal];
    assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
    assert.deepEqual(wheres().slice(0, 7), ['', 'cursor=2', 'cursor=4', 'cursor=4', '', 'cursor=2', 'cursor=4']);
    assert.equal(await world.records(), 5);
  }
});

test('ids and cursors beyond what a double holds are told apart', async () => {
  await world.connect(withKey());
  const exactly =
    (n: number, next: string): Answer =>
    (response, url) => {
      const items = callsOf(url.searchParams.get('from')!, n + 2).slice(n);
      const text = JSON.stringify({ items, total: 4 }).replaceAll(/"n(\d)"/g, '900719925474099$1');
      response.writeHead(200, { 'content-type': 'application/json' }).end(`${text.slice(0, -1)},"next":${next}}`);
      return true;
    };
  api.answers.push(exactly(0, '9007199254740993'), exactly(2, 'null'));
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.deepEqual(wheres(), ['', 'cursor=9007199254740993']);
  assert.equal(await world.records(), 4);
});

test('F20 pages of another account are one alert however often they come, and it ends when the own are there', async () => {
  await world.connect(withKey());
  const strangers: Answer = (response) => json(response, 200, { items: [], total: 0, next: null, account: '999' });
  api.answers.push(...times(3, strangers));
  const alerts = new Set<string>();
  const look = () => void alerts.add(world.alertsOf('file.quarantined').join());
  assert.deepEqual(await world.sync(byKey, 'cursor', look), succeeded);
  assert.equal(alerts.size, 1);
  assert.match([...alerts][0]!, /^C\d+\/pages of account 0000000701$/);
  assert.deepEqual(world.alertsOf('file.quarantined'), []);
  assert.equal(await world.records(), 5);
});

test('a window of the past that the provider does not give any more keeps no new usage out, and is told', async () => {
  await world.connect(withKey());
  const again = [{ from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }];
  await world.h.database.query(`update sync_profile set watermark = $1 where id = (select max(id) from sync_profile)`, [
    JSON.stringify({ again }),
  ]);
  const isGone: Answer = (response, url) =>
    url.searchParams.get('from') === again[0]!.from
      ? json(response, 400, { error: 'from is too long ago' })
      : undefined;
  // nothing is given up while the provider has trouble with everything
  const isAway: Answer = (response) => json(response, 400, {});
  api.answers = [...times(4, isAway), ...times(40, isGone)];
  const waited = new Set<string>();
  const look = (why: string) => void waited.add(`${why}; ${world.alert('profile.window-given-up')}`);
  assert.deepEqual(await world.sync(byKey, 'cursor', look), succeeded);
  assert.deepEqual([waited.size, await world.records()], [1, 5]);
  assert.match([...waited][0]!, /answered 400; undefined$/);
  assert.match(
    world.alert('profile.window-given-up')!,
    /^profile C\d+\/api does not get 1 windows again .* 2026-01-01T00:00:00Z to .*: they are refused \(400\)$/,
  );
  // and is not asked for at every run from now on
  api.asked.length = 0;
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.equal(api.asked.length, 3);
});
