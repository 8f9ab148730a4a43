/** APIs as a description may have them: each kind of credential, both kinds of paging, and what a server may do wrong. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { selfSigned } from '../../support/certificate.ts';
import { apiForTests } from './api-for-tests.ts';
import { type Answer, callsOf, json, openApi, secret } from './api-world.ts';

const { world, api } = await apiForTests();

const base = () => `http://localhost:${api.port}`;
const byKey = { kind: 'apikey', header: 'x-key' };
const byPassword = { kind: 'basic' };
const withKey = () => ({ base: base(), apiKey: { env: 'KEY' } });
const withPassword = () => ({ base: base(), user: 'jan', password: { env: 'PASSWORD' } });
const succeeded = { state: 'succeeded', reason: null };
const wheres = () => api.asked.map(({ where }) => where.replace('/usage', '').trim());

test('an API with a key in a header is read by offset, to the page that is not full', async () => {
  await world.connect(withKey());
  assert.deepEqual(await world.sync(byKey, 'offset'), succeeded);
  assert.deepEqual(wheres(), ['', 'skip=2', 'skip=4']);
  assert.ok(api.asked.every(({ credential }) => credential === `key ${secret}`));
  assert.equal(await world.records(), 5);
});

test('pages that are all full end with an empty one; a period without usage is one empty page', async () => {
  for (const [items, pages] of [
    [4, ['', 'skip=2', 'skip=4']],
    [0, ['']],
  ] as const) {
    api.asked.length = 0;
    api.items = items;
    await world.connect(withKey());
    assert.deepEqual(await world.sync(byKey, 'offset'), succeeded);
    assert.deepEqual(wheres(), pages);
    assert.equal(await world.records(), items);
  }
});

test('an API with user and password is read by cursor; what it refuses is asked once, and the profile suspended', async () => {
  await world.connect(withPassword());
  assert.deepEqual(await world.sync(byPassword, 'cursor'), succeeded);
  assert.deepEqual(wheres(), ['', 'cursor=2', 'cursor=4']);
  const basic = `Basic ${Buffer.from(`jan:${secret}`).toString('base64')}`;
  assert.ok(api.asked.every(({ credential }) => credential === basic));
  for (const [auth, transport] of [
    [byPassword, withPassword()],
    [byKey, withKey()],
  ] as const) {
    api.asked.length = 0;
    api.answers.push((response) => json(response, 401, { error: 'unknown' }));
    await world.connect(transport);
    const { state, reason } = await world.sync(auth, 'cursor');
    assert.equal(state, 'failed');
    assert.match(reason!, /^http:\/\/localhost:\d+\/usage refused the credential: 401, unknown$/);
    assert.equal(api.asked.length, 1);
    assert.equal(await world.suspended(), reason);
    assert.match(world.alert('profile.suspended')!, /linekeeper sync resume --customer C\d+ --profile api$/);
  }
});

const gone = (response: Parameters<typeof json>[0]) => json(response, 410, { error: 'cursor_expired' });
const asUsual = () => undefined;

test('F14 a cursor that expires has its window read from its beginning, and nothing is there twice', async () => {
  await world.connect(withKey());
  api.answers.push(asUsual, asUsual, gone);
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.deepEqual(wheres(), ['', 'cursor=2', 'cursor=4', '', 'cursor=2', 'cursor=4']);
  assert.equal(await world.records(), 5);
});

test('F14 a cursor that was kept when reading broke off, and expired since, has its window read from its beginning', async () => {
  await world.connect(withKey());
  api.answers.push(asUsual, asUsual, (response) => json(response, 500, {}), gone);
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  // what was used in the meantime is a window of its own
  assert.deepEqual(wheres().slice(0, 7), ['', 'cursor=2', 'cursor=4', 'cursor=4', '', 'cursor=2', 'cursor=4']);
  assert.equal(await world.records(), 5);
});

test('F14 cursors that always expire are not followed for ever: the step waits and tries again later', async () => {
  await world.connect(withKey());
  const everyOther = [asUsual, gone];
  api.answers.push(...everyOther, ...everyOther, ...everyOther);
  const waited: string[] = [];
  assert.deepEqual(await world.sync(byKey, 'cursor', (why) => void waited.push(why)), succeeded);
  assert.match(waited[0]!, /the cursor of a page has expired/);
  assert.deepEqual(wheres().slice(0, 7), ['', 'cursor=2', '', 'cursor=2', '', 'cursor=2', '']);
  assert.equal(await world.records(), 5);
});

test('F12 a page that is refused is read again with its window, and then its alert ends', async () => {
  await world.connect(withKey());
  api.answers.push((response, url) => {
    const start = url.searchParams.get('from');
    const bad = { id: 'bad', who: '+31612345678', start, seconds: '12x', what: 'mobile', cost: '0.1000' };
    return json(response, 200, { items: [bad], total: 1, next: null });
  });
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.match(world.alert('file.quarantined')!, /_0001\.json is quarantined, nothing of it was imported: .*"12x"/);
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.equal(world.alert('file.quarantined'), undefined);
  assert.equal(await world.records(), 5);
});

/** The calls of a window on one page, one of them told otherwise. */
const wrongly =
  (index: number, otherwise: object): Answer =>
  (response, url) => {
    const calls = callsOf(url.searchParams.get('from')!, api.items);
    const items = calls.map((call, at) => (at === index ? { ...call, ...otherwise } : call));
    return json(response, 200, { items, total: items.length, next: null });
  };
const asOne = wrongly(-1, {});
/** With fewer records one bad record refuses the page. */
const aThousandth = 1_001;
const inTheFuture = wrongly(1, { start: '2999-01-01T00:00:00Z' });

test('F12 a record that is told wrong once is kept out, its window is read again, and then its alert ends', async () => {
  await world.connect(withKey());
  api.items = aThousandth;
  api.answers.push(inTheFuture);
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.deepEqual(
    [await world.records(), await world.openQuarantine(), await world.dueInMinutes()],
    [aThousandth - 1, 1, 1],
  );
  assert.match(
    world.alert('file.lines-quarantined')!,
    /^1 records of account 0000000701 are quarantined; .*, line 2, /,
  );
  api.answers.push(asOne, asOne);
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.deepEqual(
    [await world.records(), await world.openQuarantine(), await world.dueInMinutes()],
    [aThousandth, 0, 60],
  );
  assert.equal(world.alert('file.lines-quarantined'), undefined);
});

test('F11 a call of a kind that nobody knows is unrated, until its window is read again', async () => {
  await world.connect(withKey());
  api.answers.push(wrongly(2, { what: 'quantum' }));
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.deepEqual([await world.records(), await world.unknown()], [5, 1]);
  assert.match(world.alert('file.unknown-call-code')!, /has the unknown call code quantum;/);
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.deepEqual([await world.records(), await world.unknown()], [5, 0]);
});

test('what stays wrong is asked for in three runs more, ever later, and is one alert and one record', async () => {
  await world.connect(withKey());
  api.items = aThousandth;
  const due: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    api.asked.length = 0;
    api.answers = Array.from({ length: 9 }, () => inTheFuture);
    assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
    due.push(await world.dueInMinutes());
  }
  assert.deepEqual([due, api.asked.length], [[1, 4, 16, 60, 60], 1]);
  assert.match(world.alert('file.lines-quarantined')!, /^1 records /);
  assert.equal(await world.records(), aThousandth - 1);
});

test('a page with records of a cycle whose own were purged is refused, with the way out, and nothing of it is billed', async () => {
  await world.connect(withKey());
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  await world.purgeBegan(true);
  api.items = 7;
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.match(world.alert('file.quarantined')!, /whose own were purged .* ask the provider for the file without them/);
  assert.equal(await world.records(), 5);
  await world.purgeBegan(false);
  assert.deepEqual(await world.sync(byKey, 'cursor'), succeeded);
  assert.deepEqual([await world.records(), world.alert('file.quarantined')], [7, undefined]);
});

test('F15 an answer of a byte now and then costs its deadline and not the lane: the step waits, with an alert', async (t) => {
  await world.connect(withKey());
  api.answers.push((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' });
    const dripping = setInterval(() => response.write(' '), 20);
    t.after(() => clearInterval(dripping));
    return true;
  });
  const waited: string[] = [];
  const alerted = () => world.alert('profile.unavailable');
  const ended = await world.sync(byKey, 'cursor', (why) => void waited.push(`${why}; ${alerted()}`));
  assert.deepEqual(ended, succeeded);
  assert.match(waited[0]!, /was not answered whole within 400 ms.*; profile C\d+\/api waits for its provider/);
  assert.deepEqual([world.released, alerted()], [['unavailable', 'ok'], undefined]);
  assert.equal(await world.records(), 5);
});

test('F21 a server that does not prove who it is is told nothing, and suspends the profile until a person says whom to trust', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'tls-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const caFile = join(directory, 'authority.pem');
  const old = { from: new Date('2020-01-01'), to: new Date('2021-01-01') };
  const cases = [
    ['nobody knows its authority', selfSigned(), false, /DEPTH_ZERO_SELF_SIGNED_CERT/],
    ['its certificate has ended, or a clock is wrong', selfSigned(old), true, /CERT_HAS_EXPIRED/],
    ['it is another host', selfSigned({ host: 'example.org' }), true, /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['it is who it must be', selfSigned(), true, null],
  ] as const;
  for (const [name, certificate, isTrusted, refused] of cases) {
    const server = await openApi(certificate);
    t.after(() => server.close());
    writeFileSync(caFile, certificate.cert);
    await world.connect({
      base: `https://localhost:${server.port}`,
      apiKey: { env: 'KEY' },
      ...(isTrusted ? { caFile } : {}),
    });
    const { state, reason } = await world.sync(byKey, 'cursor');
    assert.equal(state, refused === null ? 'succeeded' : 'failed', name);
    assert.equal(server.asked.length, refused === null ? 3 : 0, name);
    if (refused) assert.match(reason!, refused);
    assert.equal(await world.suspended(), reason, name);
  }
});
