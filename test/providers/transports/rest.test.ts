/** What an API may answer where a document is wanted, and what of it may become of the session. No database: a server on loopback. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { AccessToken } from '../../../src/providers/session.ts';
import { openRest, type RestSession } from '../../../src/providers/transports/rest.ts';
import { TransportError } from '../../../src/providers/transports/transport.ts';

const secret = 's3cret-of-tests';
const json = { 'content-type': 'application/json' };

interface Said {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

interface Rest {
  readonly rest: RestSession;
  /** Paths that were asked for. */
  readonly asked: string[];
  readonly pauses: number[];
  nowMs: number;
}

/** `says`: by path; the token endpoint is /token. */
async function open(t: TestContext, says: (path: string) => Said, marginMs = 30_000): Promise<Rest> {
  const answer: RequestListener = (request, response) => {
    const path = request.url!;
    seen.asked.push(path);
    const { status = 200, headers = json, body = '{}' } = says(path);
    response.writeHead(status, headers).end(body);
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const seen = { asked: [] as string[], pauses: [] as number[], nowMs: 0 };
  let token: AccessToken | null = null;
  const rest = openRest({
    description: { kind: 'rest', base: `http://localhost:${port}`, clientId: 'jan', clientSecret: { env: 'SECRET' } },
    spec: {
      auth: { kind: 'oauth2cc', tokenPath: '/token', marginMs },
      ...{ firstByteMs: 2_000, wholeMs: 2_000, maxPageBytes: 10_000 },
    },
    session: {
      permit: async () => ({ kind: 'granted' }),
      pauseAll: async (afterMs) => void seen.pauses.push(afterMs),
      get token() {
        return token;
      },
      keepToken: (kept) => {
        token = kept;
      },
      release() {},
    },
    resolve: () => secret,
    readFile: () => '',
    signal: new AbortController().signal,
    nowMs: () => seen.nowMs,
    sleep: async () => {},
  });
  return Object.assign(seen, { rest });
}

const token = (members: object): Said => ({ body: JSON.stringify({ access_token: 'a-token', ...members }) });
const told = async (asked: Promise<unknown>) => {
  const error = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TransportError, `no TransportError, but ${String(error)}`);
  return error;
};

test('F02 patience that is named in no usable way is the usual one, and never none: nobody asks again at once', async (t) => {
  const anHourAgo = new Date(Date.now() - 3_600_000).toUTCString();
  const inTenSeconds = { 'retry-after': 'Fri, 01 Mar 2002 00:00:10 GMT', date: 'Fri, 01 Mar 2002 00:00:00 GMT' };
  const cases: [Record<string, string>, number][] = [
    [{}, 30_000],
    [{ 'retry-after': '0' }, 30_000],
    [{ 'retry-after': '-1' }, 30_000],
    [{ 'retry-after': '1.5' }, 30_000],
    [{ 'retry-after': 'soon' }, 30_000],
    [{ 'retry-after': anHourAgo }, 30_000],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '31536000' }, 3_600_000],
    // by the clock of whoever says it, which is years behind
    [inTenSeconds, 10_000],
  ];
  for (const [headers, patienceMs] of cases) {
    const { rest, pauses } = await open(t, (path) => (path === '/token' ? token({}) : { status: 429, headers }));
    const { effect, afterMs } = await told(rest.get('/usage', {}));
    assert.deepEqual([effect, afterMs, pauses], ['limited', patienceMs, [patienceMs]], JSON.stringify(headers));
  }
});

test('F03 a token endpoint that answers 200 and no token is waited for, whatever it answers instead', async (t) => {
  for (const said of [
    { headers: { 'content-type': 'text/html' }, body: '<html>' },
    { body: 'null' },
    { body: '[]' },
    { body: '"a-token"' },
    token({ access_token: '' }),
    token({ access_token: { value: 'x' } }),
    { status: 408, body: '{}' },
    { status: 302, headers: { location: '/elsewhere' }, body: '' },
  ]) {
    const { rest, asked } = await open(t, () => said);
    assert.equal((await told(rest.get('/usage', {}))).effect, 'unavailable', JSON.stringify(said));
    assert.deepEqual(asked, ['/token'], JSON.stringify(said));
  }
});

test('a token is used for as long as it says, also as a text, and never for one request only', async (t) => {
  for (const [members, marginMs, livesMs] of [
    [{ expires_in: 300 }, 30_000, 270_000],
    [{ expires_in: '300' }, 30_000, 270_000],
    [{ expires_in: '10' }, 30_000, 5_000],
    [{ expires_in: 0 }, 0, 30_000],
    [{ expires_in: -1 }, 0, 30_000],
    [{ expires_in: 0.001 }, 0, 1_000],
    [{}, 0, 30_000],
    [{ expires_in: 'never' }, 30_000, 30_000],
  ] as const) {
    const seen = await open(t, (path) => (path === '/token' ? token(members) : {}), marginMs);
    for (const atMs of [0, livesMs - 1, livesMs]) {
      seen.nowMs = atMs;
      await seen.rest.get('/usage', {});
    }
    assert.deepEqual(seen.asked, ['/token', '/usage', '/usage', '/token', '/usage'], JSON.stringify(members));
  }
});

test('a status that is an answer needs no document', async (t) => {
  const { rest } = await open(t, (path) =>
    path === '/token' ? token({}) : { status: 410, headers: { 'content-type': 'text/html' }, body: '<h1>Gone</h1>' },
  );
  assert.equal((await rest.get('/usage', {}, [410])).status, 410);
});

test('a document that comes packed is unpacked within its bound; what is packed otherwise is told', async (t) => {
  const packed = (body: Buffer, encoding = 'gzip'): Said => ({
    headers: { ...json, 'content-encoding': encoding },
    body,
  });
  const cases: [Said, RegExp | null][] = [
    [packed(gzipSync('{"a":1}')), null],
    [packed(gzipSync('{"a":1}').subarray(0, 15)), /does not unpack/],
    [packed(gzipSync(`"${'a'.repeat(20_000)}"`)), /unpacks to more than 10000 bytes/],
    [packed(Buffer.from('??'), 'br'), /comes packed as br, which nobody asked for/],
  ];
  for (const [said, problem] of cases) {
    const { rest } = await open(t, (path) => (path === '/token' ? token({}) : said));
    const asked = rest.get('/usage', {});
    if (problem === null) assert.deepEqual([(await asked).value, String((await asked).bytes)], [{ a: 1 }, '{"a":1}']);
    else assert.match((await told(asked)).message, problem);
  }
});

test('P8 what a provider says about a refusal is told without the numbers and the credential in it', async (t) => {
  const body = JSON.stringify({
    error: 'bad',
    error_description: `no usage of +31 6 12345678 or 0031612345678 for ${secret}`,
  });
  const { rest } = await open(t, (path) => (path === '/token' ? token({}) : { status: 400, body }));
  const { message } = await told(rest.get('/usage', {}));
  assert.match(message, /answered 400, bad, no usage of /);
  assert.doesNotMatch(message, /12345678|s3cret/);
  const { rest: refusing } = await open(t, () => ({ status: 401, body }));
  assert.doesNotMatch((await told(refusing.get('/usage', {}))).message, /12345678|s3cret/);
});

test('numbers of a document that no double holds are the text that they are', async (t) => {
  const body = '{"next":9007199254740993,"items":[{"id":12345678901234567891},{"id":1.50}],"small":7}';
  const { rest } = await open(t, (path) => (path === '/token' ? token({}) : { body }));
  const { value } = await rest.get('/usage', {});
  assert.deepEqual(value, { next: '9007199254740993', items: [{ id: '12345678901234567891' }, { id: 1.5 }], small: 7 });
});
