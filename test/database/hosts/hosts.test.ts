/** Decisions about real servers: a primary with its standby, and one that is another cluster. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hostsOf } from '../../../src/database/hosts/host-list.ts';
import { type Hosts, type Move, openHosts } from '../../../src/database/hosts/hosts.ts';
import { fileMemory, type HostMemory } from '../../../src/database/hosts/memory.ts';
import { ForeignDatabaseError } from '../../../src/database/hosts/no-host.ts';
import { openDatabase } from '../../../src/database/pool.ts';
import { askServer } from '../../../src/database/server-facts.ts';
import { DatabaseDownError } from '../../../src/database/session.ts';
import { admin, startTestServer, type TestServer } from '../../support/database.ts';
import { type Pair, startPair } from '../../support/replica.ts';
import { until } from '../../support/service.ts';
import { silentTcp } from '../../support/silent-server.ts';

let pair: Pair;
let other: TestServer;
const directory = mkdtempSync(join(tmpdir(), 'hosts-'));
before(async () => {
  [pair, other] = await Promise.all([startPair({ synchronous: false }), startTestServer()]);
});
after(async () => {
  await Promise.all([pair.close(), other.stop()]);
  rmSync(directory, { recursive: true });
});

const never = new AbortController().signal;
const otherHost = () => decodeURIComponent(/host=([^&]*)/.exec(other.url)![1]!);
const memory = (): HostMemory =>
  fileMemory(join(directory, 'database.json'), { warn: (_, message) => assert.fail(message) });

function hostsAt(
  places: readonly string[],
  options: { memory?: HostMemory; user?: string; port?: number } = {},
): Hosts {
  const list = places.map((host) => ({ host, port: host.startsWith('/') ? 5432 : options.port! }));
  return openHosts({
    hosts: hostsOf(`postgres://${options.user ?? 'linekeeper'}@/postgres`, list),
    ask: askServer,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    settleMs: 200,
    ...(options.memory ? { memory: options.memory } : {}),
  });
}

const verdicts = (hosts: Hosts) => hosts.view().hosts.map(({ verdict }) => verdict);

test('the primary is found behind its standby and a silent host, by an ordinary role too', async () => {
  await admin(pair.primary.url, 'create role plain login');
  const known = () =>
    admin(pair.standby.url.replace('linekeeper@', 'plain@'), 'select 1').then(
      () => true,
      () => false,
    );
  await until('the standby to know the role', known);
  const silent = await silentTcp();
  try {
    const places = ['127.0.0.1', pair.standby.host, pair.primary.host];
    const hosts = hostsAt(places, { user: 'plain', port: silent.port });
    assert.throws(() => hosts.url(), DatabaseDownError);
    await hosts.probe(never);
    assert.deepEqual(verdicts(hosts), ['silent', 'standby', 'primary']);
    assert.deepEqual(hosts.view().current, { name: `${pair.primary.host}:5432`, timeline: 1 });
  } finally {
    await silent.stop();
  }
});

test('a role that may not ask which cluster it is cannot be given several hosts', async () => {
  await admin(pair.primary.url, 'revoke execute on function pg_control_system() from public');
  try {
    await hostsAt([pair.primary.host], { user: 'plain' }).probe(never);
    const several = hostsAt([pair.primary.host, pair.standby.host], { user: 'plain' });
    await assert.rejects(several.probe(never), /does not say which cluster it is: grant execute/);
  } finally {
    await admin(pair.primary.url, 'grant execute on function pg_control_system() to public');
  }
});

test('a host of another cluster is passed over, and refused when there is no other', async () => {
  const both = hostsAt([otherHost(), pair.primary.host], { memory: memory() });
  // nothing is known yet: the first in order says which cluster it is
  await both.probe(never);
  assert.deepEqual(verdicts(both), ['primary', 'foreign']);
  const later = hostsAt([pair.primary.host, otherHost()], { memory: memory() });
  await later.probe(never);
  assert.deepEqual(verdicts(later), ['foreign', 'primary']);
  const swapped = hostsAt([pair.primary.host, pair.standby.host], { memory: memory() });
  await assert.rejects(swapped.probe(never), (error: Error) => {
    assert.ok(error instanceof ForeignDatabaseError);
    assert.match(error.message, /this is another database cluster: .* system identifier.* remove database\.json/);
    return true;
  });
  rmSync(join(directory, 'database.json'));
});

test('a server that turns read-only is given up, and taken again when it takes writes', async () => {
  const hosts = hostsAt([pair.primary.host, pair.standby.host]);
  await hosts.probe(never);
  const database = openDatabase(hosts.place, { applicationName: 'test', max: 1 });
  try {
    await admin(pair.primary.url, `alter database postgres set default_transaction_read_only = on`);
    await assert.rejects(hosts.probe(never), /is read-only .*; .* is a standby/);
    // a session that is opened now is as read-only as the prober's
    await assert.rejects(database.query('create table no (n int)'), DatabaseDownError);
  } finally {
    await admin(pair.primary.url.replace('/postgres?', '/template1?'), `alter database postgres reset all`);
  }
  await hosts.probe(never);
  assert.deepEqual(await database.query('select 1 as one'), [{ one: 1 }]);
  await database.close();
});

test('after a failover every session is at the new host; the old primary is refused, also by the next process', async () => {
  const hosts = hostsAt([pair.primary.host, pair.standby.host], { memory: memory() });
  await hosts.probe(never);
  const moves: Move[] = [];
  hosts.onMoved((move) => {
    moves.push(move);
    database.abandon(new Error('moved'));
  });
  const database = openDatabase(hosts.place, { applicationName: 'test', max: 2 });
  const term = openDatabase(hosts.termPlace(), { applicationName: 'test', max: 2 });
  const where = async () => (await database.query(`select current_setting('unix_socket_directories') as at`))[0]!.at;
  assert.equal(await where(), pair.primary.host);
  await pair.standby.promote();
  // both take writes now, and a statement is under way at the old one
  const sleeping = assert.rejects(database.query('select pg_sleep(30)'), DatabaseDownError);
  await hosts.probe(never);
  await sleeping;
  const [from, to] = [pair.primary, pair.standby].map(({ host }, at) => ({ name: `${host}:5432`, timeline: at + 1 }));
  assert.deepEqual(moves, [{ from, to }]);
  assert.deepEqual(verdicts(hosts), ['old', 'primary']);
  assert.equal(await where(), pair.standby.host);
  await assert.rejects(term.query('select 1'), /moved to another host/);
  await Promise.all([database.close(), term.close()]);

  await pair.standby.kill();
  await assert.rejects(
    hosts.probe(never),
    /is an old primary: timeline 1, and the database went on at 2; .* cannot be reached/,
  );
  const next = hostsAt([pair.primary.host, pair.standby.host], { memory: memory() });
  await assert.rejects(next.probe(never), /is an old primary/);
  await pair.standby.start();
  await pair.rebuild();
  await next.probe(never);
  assert.deepEqual(verdicts(next), ['standby', 'primary']);
});

test('a name that leads to another server is not followed by a session, only by the prober, as a move', async () => {
  const link = join(directory, 'link');
  symlinkSync(pair.standby.host, link);
  const hosts = hostsAt([link]);
  await hosts.probe(never);
  const moves: Move[] = [];
  hosts.onMoved((move) => void moves.push(move));
  const database = openDatabase(hosts.place, { applicationName: 'test', max: 1 });
  await pair.primary.promote();
  rmSync(link);
  symlinkSync(pair.primary.host, link);
  await assert.rejects(database.query('select 1'), /is not the one that the last probe found/);
  await hosts.probe(never);
  const name = `${link}:5432`;
  assert.deepEqual(moves, [{ from: { name, timeline: 2 }, to: { name, timeline: 3 } }]);
  assert.deepEqual(await database.query('select 1 as one'), [{ one: 1 }]);
  await database.close();
});
