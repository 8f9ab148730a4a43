import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Admin, openAdmin } from '../../src/admin/open-admin.ts';
import { DatabaseDownError } from '../../src/database/session.ts';
import { createLog } from '../../src/log/log.ts';
import { type ExampleServices, exampleServices } from './example-services.ts';

let directory: string;
let services: ExampleServices;
let admin: Admin;
let lines: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lk-admin-'));
  services = exampleServices();
  lines = [];
  const log = createLog({ destination: { write: (line: string) => void lines.push(line) } });
  admin = await openAdmin({ socketPath: join(directory, 'admin.sock'), services, log, bodyLimitBytes: 10_000 });
});
afterEach(async () => {
  await admin.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  body: any;
}

function call(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: admin.socketPath, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
      });
    });
    asking.on('error', reject);
    asking.end(body);
  });
}
const get = (path: string) => call('GET', path);
const post = (path: string, body: unknown, by = 'anna@cli') =>
  call('POST', path, JSON.stringify(body), { 'content-type': 'application/json', 'x-linekeeper-by': by });

test('the socket is open to its owner and group only, and gone after close', async () => {
  assert.equal(statSync(admin.socketPath).mode & 0o777, 0o660);
  await admin.close();
  assert.throws(() => statSync(admin.socketPath), { code: 'ENOENT' });
});

test('health answers 200 while the service works and 503 when it fails', async () => {
  assert.equal((await get('/health')).body.pid, process.pid);
  services.status = 'degraded';
  assert.equal((await get('/health')).status, 200);
  services.status = 'failing';
  assert.equal((await get('/health')).status, 503);
});

test('the tree is the snapshot of the supervision', async () => {
  assert.equal((await get('/tree')).body.children[0].children[0].path, 'root/work/router');
});

test('chains are listed by state, name and limit, shown, and explained', async () => {
  assert.equal((await get('/chains?state=dead&name=kpn-sp16&limit=5')).body.length, 2);
  assert.deepEqual(services.calls, [{ name: 'chains', input: { state: 'dead', name: 'kpn-sp16', limit: 5 } }]);
  assert.deepEqual((await get('/chains/42')).body.steps, ['fetch', 'import', 'rate', 'totals']);
  assert.equal((await get('/chains/42/why')).body.because, 'Chain 42 waits to try again.');
});

test('cancel, retry and replay act under the name of who asked, and are recorded first', async () => {
  assert.equal((await post('/chains/42/cancel', {})).body.state, 'cancelled');
  assert.equal((await post('/chains/42/retry', {})).body.state, 'ready');
  assert.equal((await post('/chains/42/replay', { from: 'rate' })).body.state, 'ready');
  assert.equal((await post('/chains/42/replay', {})).status, 400);
  assert.deepEqual(services.calls, [
    { name: 'cancelChain', input: { id: '42', by: 'anna@cli' } },
    { name: 'retryChain', input: { id: '42', by: 'anna@cli' } },
    { name: 'replayChain', input: { id: '42', from: 'rate', by: 'anna@cli' } },
  ]);
  assert.deepEqual(
    services.audit.map((entry) => [entry.actor, entry.action, entry.subject]),
    [
      ['anna@cli', 'chain.cancel', 'chain 42'],
      ['anna@cli', 'chain.retry', 'chain 42'],
      ['anna@cli', 'chain.replay', 'chain 42'],
    ],
  );
});

test('what cannot be recorded is not done', async () => {
  services.record = async () => {
    throw new DatabaseDownError('connect ECONNREFUSED');
  };
  const { status, body } = await post('/sync/run', { customer: 'C001' });
  assert.deepEqual([status, body.error.code], [503, 'database-away']);
  assert.deepEqual(services.calls, []);
});

test('a sync run is accepted with its tasks, and a task tells its progress', async () => {
  const run = await post('/sync/run', { customer: 'C001', profile: 'sp16', force: true });
  assert.equal(run.status, 202);
  assert.deepEqual(services.calls[0]!.input, { customer: 'C001', profile: 'sp16', force: true, by: 'anna@cli' });
  const task = await get(`/sync/tasks/${run.body.tasks[0].id}`);
  assert.deepEqual(task.body.steps[2].progress, { done: 1200, total: 4800, unit: 'records' });
});

test('totals are recalculated, listed and explained', async () => {
  const run = await post('/totals/recalculate', { customer: 'C001', cycle: '2026-03-01' });
  assert.deepEqual([run.status, run.body.chains[0].chainId], [202, '42']);
  assert.equal((await get('/totals?customer=C001')).body[0].amountE8, '1234567800');
  const explained = await get('/totals/explain?customer=C001&cycle=2026-03-01&category=national-mobile&limit=3');
  assert.equal(explained.body[0].shown[0].line, 17);
  assert.equal(services.calls.at(-1)!.name, 'explainTotals');
});

test('numbers of subscriptions are masked unless the caller asks for them', async () => {
  const text = async (path: string) => JSON.stringify((await get(path)).body);
  assert.match(await text('/totals?customer=C001&cycle=2026-03-01'), /3161234\*\*\*\*/);
  assert.match(await text('/totals?customer=C001&cycle=2026-03-01&numbers=true'), /31612345678/);
  assert.match(await text('/totals/explain?customer=C001&cycle=2026-03-01'), /3161234\*\*\*\*/);
  assert.match(await text('/totals/explain?customer=C001&cycle=2026-03-01&msisdn=31612345678'), /31612345678/);
  assert.match(await text('/totals/explain?customer=C001&cycle=2026-03-01&msisdn=31600000000'), /3161234\*\*\*\*/);
});

test('alerts are listed, tested and resolved', async () => {
  assert.equal((await get('/alerts?state=open')).body[0].occurrences, 3);
  assert.equal((await post('/alerts/test', {})).body[0].ok, false);
  assert.equal((await post('/alerts/resolve', { rule: 'sync.late', subject: 'profile 12' })).status, 202);
  assert.deepEqual(services.calls.at(-1)!.input, { rule: 'sync.late', subject: 'profile 12', by: 'anna@cli' });
});

test('documents are loaded whole; their problems are shown', async () => {
  assert.equal((await post('/tariffs', { tariff: 'kpn', versions: [] })).body.versions, 2);
  const bad = await post('/tariffs', { tariff: 'kpn' });
  assert.deepEqual([bad.status, bad.body.error], [400, { code: 'invalid-input', message: 'versions: is missing' }]);
  assert.equal((await post('/customers', { customers: [{}] })).body.customers, 1);
  assert.match((await post('/customers', [])).body.error.message, /must be a JSON object/);
});

test('a control message reaches the actor of that path', async () => {
  assert.equal((await post('/actors/work/router', { type: 'pause' })).status, 202);
  assert.deepEqual(services.calls[0]!.input, { path: 'work/router', message: { type: 'pause' }, by: 'anna@cli' });
  assert.match((await post('/actors/work/nobody', {})).body.error.message, /no actor work\/nobody/);
  services.control = async () => 'full';
  assert.deepEqual((await post('/actors/work/router', {})).status, 503);
});

test('curl works without a header, a body or a name', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await call('POST', '/sync/run', '{"customer":"C001"}', form)).status, 202);
  assert.equal((await call('POST', '/chains/42/retry')).status, 200);
  assert.equal(services.audit[0]!.actor, 'socket');
});

const refused: readonly [string, string, unknown, number, RegExp][] = [
  ['GET', '/chains?limt=3', undefined, 400, /unknown key limt; did you mean limit\?/],
  ['GET', '/chains?state=asleep', undefined, 400, /state "asleep": must be one of ready, running/],
  [
    'GET',
    '/totals?customer=C001&cycle=0000-01-01',
    undefined,
    400,
    /cycle "0000-01-01": must be a date .* from 1970 on$/,
  ],
  ['GET', '/chains/9999999999999999999', undefined, 400, /id "9999999999999999999": must be a number such as 42$/],
  ['POST', '/findings/7', { state: 'open', why: 'a\0b' }, 400, /^why holds a NUL or half of a surrogate pair/],
  ['POST', '/customers', { customers: [{ name: '\ud800' }] }, 400, /^customers\[0\]\.name holds a NUL or half/],
  ['GET', '/chains?limit=0', undefined, 400, /limit "0"/],
  ['GET', '/chains/x', undefined, 400, /id "x": must be a number/],
  ['GET', '/chains/999', undefined, 404, /there is no chain 999/],
  ['POST', '/chains/999/retry', {}, 404, /there is no chain 999/],
  ['POST', '/pauses', { scope: 'all' }, 400, /why/],
  ['GET', '/schedules/none', undefined, 404, /there is no schedule none/],
  ['POST', '/schedules/a%20b/run', {}, 400, /must be 1 to 63 of/],
  ['POST', '/schedules/sync:manager/run', { at: 'now' }, 400, /unknown key at/],
  ['POST', '/pauses', { scope: 'all', why: 'x', until: 'soon' }, 400, /must be a time such as/],
  ['POST', '/chains/42/cancel', { why: 'x' }, 400, /unknown key why; none is allowed here/],
  ['POST', '/sync/run', {}, 400, /customer is missing/],
  ['POST', '/sync/run', { customer: 'C001', forse: true }, 400, /unknown key forse; did you mean force\?/],
  ['POST', '/sync/run', { customer: 'C999' }, 404, /customer C999 is not known; known: C001/],
  ['GET', '/sync/tasks/8', undefined, 404, /there is no sync task 8/],
  ['POST', '/totals/recalculate', { customer: 'C001', cycle: 'March' }, 400, /cycle "March": must be a date/],
  [
    'GET',
    '/totals/explain?customer=C001&cycle=2026-03-01&msisdn=0612345678',
    undefined,
    400,
    /msisdn "061234\*\*\*\*"/,
  ],
  ['GET', '/chains?limit=0', undefined, 400, /limit "0": must be a whole number from 1 to 10000$/],
  ['GET', '/subscriptions?unused=99', undefined, 400, /unused "99": must be a whole number from 1 to 24$/],
  ['POST', '/cycles/close', { customer: 'C001', cycle: '2026-03-01', reason: '' }, 400, /reason "": must say why$/],
  ['GET', '/nowhere?secret=1', undefined, 404, /there is no GET \/nowhere here$/],
  ['GET', '/processes', undefined, 404, /no primary listens here.*--processes 4/],
  ['POST', '/processes/restart', {}, 404, /no primary listens here/],
  ['POST', '/actors/..%20', {}, 400, /actor path must be like/],
];
for (const [method, path, body, status, message] of refused) {
  test(`${method} ${path} ${JSON.stringify(body) ?? ''} is answered ${status} with the way out`, async () => {
    const answer = method === 'GET' ? await get(path) : await post(path, body);
    assert.equal(answer.status, status);
    assert.match(answer.body.error.message, message);
    assert.equal(services.audit.length, status === 404 && path === '/sync/run' ? 1 : 0);
  });
}

test('a body that is no JSON, or too large, is refused as such', async () => {
  assert.equal((await call('POST', '/sync/run', '{"customer":')).status, 400);
  assert.equal((await call('POST', '/tariffs', `{"x":"${'y'.repeat(10_000)}"}`)).status, 413);
});

test('something unforeseen is logged and shown without its details', async () => {
  services.fail = new Error('secret internals');
  const { status, body } = await get('/chains');
  assert.deepEqual([status, body.error.code], [500, 'internal']);
  assert.ok(!body.error.message.includes('secret'));
  assert.ok(lines.some((line) => line.includes('secret internals')));
});

test('dead letters are retried by name and step, and removed with a reason, under the name of who asked', async () => {
  assert.deepEqual((await post('/dead/retry', { name: 'kpn-sp16', step: 'fetch' })).body.retried, ['42']);
  assert.equal((await post('/dead/42/remove', { why: 'wrong contract' })).body.state, 'cancelled');
  assert.equal((await post('/dead/retry', { nmae: 'x' })).status, 400);
});

test('schedules are switched and run under the name of who asked', async () => {
  assert.equal((await get('/schedules')).body[0].name, 'sync:manager');
  assert.equal((await post('/schedules/sync:manager/disable', {})).body.enabled, false);
  assert.equal((await post('/schedules/sync:manager/run', {})).status, 202);
  assert.deepEqual(
    services.audit.map(({ actor, action, subject }) => [typeof actor, action, subject]),
    [
      ['string', 'schedule.disable', 'sync:manager'],
      ['string', 'schedule.run', 'sync:manager'],
    ],
  );
  assert.deepEqual(
    services.calls.map(({ name }) => name),
    ['enableSchedule', 'runSchedule'],
  );
});
