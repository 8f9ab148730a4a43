import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { hostsOf, parsePlaces } from '../../../src/database/hosts/host-list.ts';

/** What pg makes of each host's URL. */
function understood(url: string, places?: Parameters<typeof hostsOf>[1]) {
  return hostsOf(url, places).map(({ name, url: own }) => {
    const { host, port, user, password, database, ssl } = new pg.Client(own);
    return { name, host, port, user, password, database, ssl };
  });
}

const common = { user: 'me', password: 'p@ss/w:rd', database: 'telecom', ssl: false };

test('one URL with several hosts gives each of them user, password, database and TLS', () => {
  const login = 'me:p%40ss%2Fw%3Ard';
  const expected = [
    { name: 'db1:5433', host: 'db1', port: 5433, ...common },
    { name: 'db2:5432', host: 'db2', port: 5432, ...common },
  ];
  assert.deepEqual(understood(`postgres://${login}@db1:5433,db2/telecom`), expected);
  assert.deepEqual(understood(`postgres://${login}@/telecom?host=db1,db2&port=5433,5432`), expected);
  const tls = understood(`postgres://${login}@db1,db2/telecom?sslmode=verify-full&target_session_attrs=read-write`);
  assert.deepEqual(
    tls.map(({ ssl }) => ssl),
    [{}, {}],
  );
});

test('a list of hosts replaces those of the URL, also with addresses and sockets', () => {
  const places = [
    { host: '10.0.0.1', port: 5432 },
    { host: 'fd00::2', port: 5433 },
    { host: '/run/postgresql', port: 5434 },
  ];
  assert.deepEqual(understood('postgres://me:p%40ss%2Fw%3Ard@old:1/telecom', places), [
    { name: '10.0.0.1:5432', host: '10.0.0.1', port: 5432, ...common },
    { name: '[fd00::2]:5433', host: 'fd00::2', port: 5433, ...common },
    { name: '/run/postgresql:5434', host: '/run/postgresql', port: 5434, ...common },
  ]);
});

test('one host stays the URL that it was, named without its secret', () => {
  for (const [url, name] of [
    ['postgres://me:secret@db1/telecom', 'db1:5432'],
    ['postgres://me@/telecom?host=%2Frun%2Fpg', '/run/pg:5432'],
    ['postgres:///telecom', 'localhost:5432'],
    ['host=db1 password=secret', 'database.url'],
  ] as const) {
    assert.deepEqual(hostsOf(url), [{ name, url }]);
  }
});

test('the variable is a list with commas or the same JSON as the file', () => {
  const expected = [
    { host: 'db1', port: 5433 },
    { host: '::1', port: 5432 },
    { host: '/run/pg', port: 5432 },
  ];
  assert.deepEqual(parsePlaces('db1:5433, [::1],/run/pg'), expected);
  assert.deepEqual(parsePlaces(JSON.stringify(expected)), expected);
  assert.deepEqual(parsePlaces('db1:port,b'), ['db1:port', { host: 'b', port: 5432 }]);
});
