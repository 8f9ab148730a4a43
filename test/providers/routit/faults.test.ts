/** What the provider's calls can do (domain.md 5.7), end to end: what must happen, how often it was asked, and totals afterwards. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { callsOf, control } from '../../simulator/http/served.ts';
import { selfSigned } from '../../support/certificate.ts';
import { type ResellerWorld, resellerWorld } from './reseller-world.ts';

let world: ResellerWorld;
before(async () => {
  world = await resellerWorld();
});
after(() => world.close());

const overview = 'ROUTIT.overview';
const download = 'ROUTIT.download';

async function downloads(): Promise<{ calls: number; statuses: Record<string, number> }> {
  const { endpoints } = await control<{
    endpoints: Record<string, { calls: number; statuses: Record<string, number> }>;
  }>(world.served, 'GET', 'stats');
  return endpoints[download] ?? { calls: 0, statuses: {} };
}

const only = 5001;

test('a customer whose file does not come fails alone: the others have their totals, and the next sync heals it', async () => {
  await world.faults({ at: download, times: 4, fault: 'F05', arg: { only } });
  const ended = await world.sync();
  assert.deepEqual([ended.status, ended.counts.failedCustomers], ['succeeded', 2]);
  const states = await world.deliveries();
  for (const period of ['2026-03', '2026-10']) {
    assert.match(states[`5001 ${period}`]!, /^failed: charges_.* came twice with other bytes than announced: md5/);
    assert.equal(states[`5002 ${period}`], 'matched');
  }
  assert.deepEqual(
    (await world.differences()).map((difference) => difference.slice(0, 21)),
    ['0000005001 2026-03-01', '0000005001 2026-10-01', 'reseller 2026-03: {"s', 'reseller 2026-10: {"s'],
  );
  assert.ok(world.openAlerts().includes('routit.customer-failed R001/0000005001/2026-03'));
  const periods = await world.database.query<{ state: string; reason: string }>(
    `select state, reason from reseller_period where customers > 0`,
  );
  assert.deepEqual(periods, [
    { state: 'incomplete', reason: '1 customers are missing' },
    { state: 'incomplete', reason: '1 customers are missing' },
  ]);
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.deepEqual(await world.differences(), []);
  assert.ok(!world.openAlerts().some((alert) => alert.startsWith('routit.customer-failed')));
});

const patient: [name: string, fault: object][] = [
  ['F02 with Retry-After', { fault: 'F02', arg: { retryAfter: 3 } }],
  ['F03 500', { fault: 'F03' }],
  ['F03 HTML with 200', { fault: 'F03', arg: { kind: 'html' } }],
  ['F03 HTML with 502', { fault: 'F03', arg: { kind: 'html-502' } }],
  ['F03 silence', { fault: 'F03', arg: { kind: 'timeout' } }],
  ['F03 reset in the body', { fault: 'F03', arg: { kind: 'reset' } }],
  ['F03 an error in its envelope', { fault: 'F03', arg: { kind: 'envelope' } }],
  ['F04 half the XML', { fault: 'F04' }],
  ['F09 bytes that are no UTF-8', { fault: 'F09' }],
  ['F09 a NUL', { fault: 'F09', arg: { kind: 'nul' } }],
  ['F09 a byte order mark', { fault: 'F09', arg: { kind: 'bom' } }],
  ['F11 a new element', { fault: 'F11' }],
  ['F11 an element that is missing', { fault: 'F11', arg: { kind: 'missing-element' } }],
  ['F14 a customer twice', { fault: 'F14' }],
  ['F14 a customer missed', { fault: 'F14', arg: { kind: 'missed' } }],
  ['F15 a byte a second', { fault: 'F15' }],
  ['F17 entities', { fault: 'F17' }],
  ['F17 an external entity', { fault: 'F17', arg: { kind: 'external' } }],
  ['F20 another reseller', { fault: 'F20' }],
];

test('an overview that fails in any way is asked for again, a bounded number of times, and nothing of it is used', async () => {
  const harmless = new Set(['F09 a byte order mark', 'F11 a new element', 'F14 a customer twice']);
  await control(world.served, 'DELETE', 'stats');
  await world.sync({ force: true });
  const usual = await callsOf(world.served, overview);
  for (const [name, fault] of patient) {
    await control(world.served, 'DELETE', 'stats');
    await world.faults({ at: overview, ...fault });
    const ended = await world.sync({ force: true });
    assert.deepEqual([name, ended.status, ended.reason], [name, 'succeeded', null]);
    // the month is read again from its first page, and it has two
    const more = (await callsOf(world.served, overview)) - usual;
    assert.ok(harmless.has(name) ? more === 0 : more === 1 || more === 2, `${name}: ${more} more calls`);
    assert.equal(await callsOf(world.served, download), 0, name);
    assert.deepEqual(await world.differences(), [], name);
  }
  assert.deepEqual(world.sessions.pauses, [3_000]);
  assert.deepEqual(
    world.openAlerts().filter((alert) => !alert.startsWith('routit.suspense') && !alert.startsWith('totals.unrated')),
    [...world.openAlerts().filter((alert) => alert.startsWith('file.unknown-call-code'))],
  );
});

test('F17: a link that leads astray is not followed, and keeps only its own customer out', async () => {
  for (const kind of ['path', 'host']) {
    await world.faults({ at: overview, fault: 'F17', arg: { kind } });
    const ended = await world.sync({ force: true });
    assert.equal(ended.status, 'succeeded');
    const astray = Object.entries(await world.deliveries()).filter(([, state]) => state.startsWith('failed'));
    assert.equal(astray.length, 1, kind);
    assert.match(astray[0]![1], /it was not followed/);
    assert.ok(world.openAlerts().some((alert) => alert.startsWith('routit.link R001/')));
    assert.equal((await world.sync({ force: true })).status, 'succeeded');
    assert.deepEqual(await world.differences(), [], kind);
    assert.ok(!world.openAlerts().some((alert) => alert.startsWith('routit.link')));
  }
});

/** Makes customer 5001's March new, so that there is something to download. */
async function redelivered(): Promise<void> {
  await control(world.served, 'POST', 'redeliver', { customer: '0000005001', period: '2026-03' });
  await control(world.served, 'DELETE', 'stats');
}

const downloadTrouble: [name: string, fault: object, calls: number, statuses?: object][] = [
  ['F02 without Retry-After', { fault: 'F02' }, 2],
  ['F03 503', { fault: 'F03', arg: { kind: '503' } }, 2],
  ['F03 HTML with 200', { fault: 'F03', arg: { kind: 'html' } }, 2],
  ['F03 silence', { fault: 'F03', arg: { kind: 'timeout' } }, 2],
  ['F03 reset', { fault: 'F03', arg: { kind: 'reset' } }, 2, { 200: 1, 206: 1 }],
  ['F04 half the file', { fault: 'F04' }, 2],
  ['F05 other bytes, once', { fault: 'F05' }, 2],
  ['F15 a byte a second', { fault: 'F15' }, 2],
];

test('a download that fails is tried again, goes on where it broke, and is imported when it is what was announced', async () => {
  for (const [name, fault, calls, statuses] of downloadTrouble) {
    await redelivered();
    await world.faults({ at: download, ...fault });
    const ended = await world.sync({ force: true });
    assert.deepEqual([name, ended.status, ended.reason], [name, 'succeeded', null]);
    const seen = await downloads();
    assert.equal(seen.calls, calls, name);
    if (statuses) assert.deepEqual(seen.statuses, statuses, name);
    assert.deepEqual(await world.differences(), [], name);
  }
});

test('F01: a password that is refused is tried once; the profile is suspended, and a forced sync ends that', async () => {
  await control(world.served, 'DELETE', 'stats');
  await world.faults({ at: overview, fault: 'F01' });
  const ended = await world.sync();
  assert.deepEqual([ended.state, ended.status], ['failed', 'failed']);
  assert.equal(await callsOf(world.served, overview), 1);
  const [profile] = await world.database.query<{ reason: string }>(
    'select suspended_reason as reason from sync_profile',
  );
  assert.match(profile!.reason, /answered 401 to POST \/cdr/);
  assert.ok(world.openAlerts().some((alert) => alert.startsWith('profile.suspended')));
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.deepEqual(await world.database.query('select 1 from sync_profile where suspended_reason is not null'), []);
});

test('F21: a server that does not prove who it is gets neither password nor second try, until a person says whom to trust', async (t) => {
  const old = { from: new Date('2020-01-01'), to: new Date('2021-01-01') };
  const directory = mkdtempSync(join(tmpdir(), 'routit-tls-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const transport = async (change: object) =>
    world.applyCustomers(({ customers }) => {
      const [profile] = customers.flatMap(({ contracts }) => contracts.flatMap(({ profiles = [] }) => profiles));
      Object.assign(profile!.transport, { caFile: undefined }, change);
    });
  for (const [certificate, isTrusted, refused] of [
    [selfSigned(), false, /localhost:\d+: self-signed certificate/],
    [selfSigned(old), true, /certificate has expired/],
    [selfSigned({ host: 'example.org' }), true, /Host: localhost\. is not in the cert/],
    [selfSigned(), true, null],
  ] as const) {
    let connections = 0;
    const { port, hostname } = new URL(world.served.base);
    const front = createTlsServer(certificate, (outside) => {
      connections += 1;
      const inside = connect(Number(port), hostname);
      outside.on('error', () => inside.destroy());
      inside.on('error', () => outside.destroy());
      outside.pipe(inside).pipe(outside);
    });
    t.after(() => front.close());
    await new Promise<void>((resolve) => void front.listen(0, 'localhost', resolve));
    const caFile = join(directory, 'authority.pem');
    writeFileSync(caFile, certificate.cert);
    const base = `https://localhost:${(front.address() as AddressInfo).port}`;
    await transport(isTrusted ? { base, caFile } : { base });
    const ended = await world.sync();
    assert.equal(ended.status, refused === null ? 'succeeded' : 'failed', ended.reason ?? '');
    assert.equal(connections > 0, refused === null, 'nothing was sent');
    const [profile] = await world.database.query<{ why: string | null }>(
      'select suspended_reason as why from sync_profile',
    );
    if (refused) assert.match(profile!.why!, refused);
    assert.equal(
      world.openAlerts().some((alert) => alert.startsWith('profile.suspended')),
      refused !== null,
    );
  }
  await transport({ base: world.served.base });
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.deepEqual(await world.differences(), []);
});

test('an end customer without a tariff fails alone, and has its totals once it has one', async () => {
  const [contract] = await world.database.query<{ id: string; tariff: string }>(
    `select id, tariff_id as tariff from contract where account_no = '0000005002'`,
  );
  await world.database.query('update contract set tariff_id = null where id = $1', [contract!.id]);
  for (const customer of ['0000005001', '0000005002']) {
    await control(world.served, 'POST', 'redeliver', { customer, period: '2026-10' });
  }
  const ended = await world.sync({ force: true });
  assert.deepEqual([ended.status, ended.counts.unpublishedCustomers], ['succeeded', 1]);
  const differences = await world.differences();
  assert.deepEqual(
    differences.map((difference) => difference.replace(/task \d+/, 'task')),
    ['0000005002 2026-10-01', 'task is not consumed'],
  );
  assert.match(
    world.messageOf('routit.customer-totals'),
    /end customer C002 were not published: .*has no tariff.*chain retry \d+/,
  );
  await world.database.query('update contract set tariff_id = $2 where id = $1', [contract!.id, contract!.tariff]);
  await world.sync();
  assert.deepEqual(await world.differences(), []);
});
