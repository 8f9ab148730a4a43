/** T_MOBILE's API as a client meets it: the truth can be computed from what it says, and every fault shows once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServedProviders } from '../../../simulator/http/serve.ts';
import { callsOf, control, e8, serve, statedAmounts } from '../http/served.ts';

interface Item {
  id: string;
  version: number;
  state: string;
  startedAt: string;
  seconds: number;
  type: string;
  amount: { value: string };
}

interface Page {
  account: string;
  items: Item[];
  next: string | null;
  total: number;
}

const whole = 'from=2026-03-01&to=2026-11-02';

async function token(served: ServedProviders, secret = 'hidden'): Promise<Response> {
  const form = { grant_type: 'client_credentials', client_id: 'c001', client_secret: secret };
  return fetch(`${served.base}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
}

async function bearer(served: ServedProviders): Promise<string> {
  return ((await (await token(served)).json()) as { access_token: string }).access_token;
}

function ask(served: ServedProviders, key: string, query = whole, account = '0000000301'): Promise<Response> {
  const headers = { authorization: `Bearer ${key}` };
  return fetch(`${served.base}/v2/accounts/${account}/usage?${query}`, { headers });
}

async function pages(served: ServedProviders, query = whole): Promise<Page[]> {
  const key = await bearer(served);
  const all: Page[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const page = (await (await ask(served, key, next === '' ? query : `cursor=${next}`)).json()) as Page;
    all.push(page);
    next = page.next;
  }
  return all;
}

/** The highest version of every id, without the void ones. */
function active(items: readonly Item[]): Item[] {
  const newest = new Map<string, Item>();
  for (const item of items) if ((newest.get(item.id)?.version ?? 0) < item.version) newest.set(item.id, item);
  return [...newest.values()].filter(({ state }) => state !== 'void');
}

function amounts(items: readonly Item[]): Map<string, { records: number; e8: bigint }> {
  const sums = new Map<string, { records: number; e8: bigint }>();
  for (const item of active(items)) {
    const key = `0000000301 ${item.startedAt.slice(0, 7)}-01`;
    const sum = sums.get(key) ?? { records: 0, e8: 0n };
    sums.set(key, { records: sum.records + 1, e8: sum.e8 + e8(item.amount.value) });
  }
  return sums;
}

test('pages of 1,000 follow one another by cursor, and their newest versions add up to the truth', async () => {
  const served = await serve(['T_MOBILE'], { records: 12_000 });
  try {
    const all = await pages(served);
    assert.deepEqual(
      all.map(({ items }) => items.length),
      [...Array.from({ length: Math.floor(all[0]!.total / 1000) }, () => 1000), all[0]!.total % 1000],
    );
    const items = all.flatMap((page) => page.items);
    const truth = [...(await statedAmounts(served))].filter(([key]) => key.startsWith('0000000301'));
    assert.deepEqual([...amounts(items)], truth);
    const states = new Set(items.map(({ state }) => state));
    assert.deepEqual([...states].sort(), ['final', 'provisional', 'void']);
    assert.ok(items.some(({ startedAt }) => startedAt.startsWith('2026-10-25T02:') && startedAt.endsWith('+02:00')));
    assert.ok(items.some(({ startedAt }) => startedAt.startsWith('2026-10-25T02:') && startedAt.endsWith('+01:00')));
  } finally {
    await served.stop();
  }
});

test('a day later provisional usage is final and late usage is there: the truth moves with it', async () => {
  const served = await serve(['T_MOBILE'], { records: 4000 });
  try {
    const before = await pages(served);
    const earlier = await statedAmounts(served);
    await control(served, 'POST', 'advance-clock', { seconds: 86_400 });
    const after = await pages(served);
    const later = await statedAmounts(served);
    const last = '0000000301 2026-10-01';
    assert.notDeepEqual(later.get(last), earlier.get(last));
    assert.deepEqual(later.get('0000000301 2026-03-01'), earlier.get('0000000301 2026-03-01'));
    assert.deepEqual(amounts(after.flatMap(({ items }) => items)).get(last), later.get(last));
    const known = new Set(before.flatMap(({ items }) => items.map(({ id }) => id)));
    const late = after.flatMap(({ items }) => items).filter(({ id }) => !known.has(id));
    assert.ok(late.length > 0 && late.every(({ startedAt }) => startedAt >= '2026-10-29'));
    const { corrected } = await control<{ corrected: string[] }>(served, 'POST', 'correct', {
      account: '0000000301',
      month: '2026-03',
      items: 3,
    });
    assert.equal(corrected.length, 3);
    const voided = (await pages(served)).flatMap(({ items }) => items).filter(({ state }) => state === 'void');
    assert.ok(corrected.every((id) => voided.some((item) => item.id === id)));
    assert.deepEqual(
      amounts((await pages(served)).flatMap(({ items }) => items)).get('0000000301 2026-03-01'),
      (await statedAmounts(served)).get('0000000301 2026-03-01'),
    );
  } finally {
    await served.stop();
  }
});

test('a wrong secret, a strange account, an old token and an old cursor are refused, each in its own way', async () => {
  const served = await serve(['T_MOBILE'], { records: 8000 });
  try {
    assert.equal((await token(served, 'guess')).status, 401);
    const key = await bearer(served);
    assert.equal((await ask(served, key, whole, '0000000302')).status, 404);
    assert.equal((await ask(served, 'made-up')).status, 401);
    const { next } = (await (await ask(served, key)).json()) as Page;
    await control(served, 'POST', 'advance-clock', { seconds: 301 });
    assert.equal((await ask(served, key, `cursor=${next}`)).status, 401);
    await control(served, 'POST', 'advance-clock', { seconds: 300 });
    assert.equal((await ask(served, await bearer(served), `cursor=${next}`)).status, 410);
    assert.equal((await ask(served, await bearer(served), 'from=soon&to=later')).status, 400);
  } finally {
    await served.stop();
  }
});

const usage = 'T_MOBILE.usage';

const spoilt: [string, unknown, (answer: Response, text: string) => unknown][] = [
  ['401 in mid-run', { at: usage, fault: 'F01' }, ({ status }) => assert.equal(status, 401)],
  [
    '429 with Retry-After',
    { at: usage, fault: 'F02', arg: { retryAfter: 2 } },
    ({ status, headers }) => assert.deepEqual([status, headers.get('retry-after')], [429, '2']),
  ],
  [
    '429 without Retry-After',
    { at: usage, fault: 'F02' },
    ({ status, headers }) => assert.deepEqual([status, headers.get('retry-after')], [429, null]),
  ],
  ['500', { at: usage, fault: 'F03' }, ({ status }) => assert.equal(status, 500)],
  [
    'HTML with 200',
    { at: usage, fault: 'F03', arg: { kind: 'html' } },
    ({ status }, text) => assert.ok(status === 200 && text.startsWith('<!DOCTYPE html>')),
  ],
  ['half an answer', { at: usage, fault: 'F04' }, (_, text) => assert.throws(() => JSON.parse(text))],
  [
    'a count that is not that of the items',
    { at: usage, fault: 'F05' },
    (_, text) => assert.equal(JSON.parse(text).total, JSON.parse(text).items.length + 1),
  ],
  ['a byte order mark', { at: usage, fault: 'F09', arg: { kind: 'bom' } }, (_, text) => assert.ok(JSON.parse(text))],
  ['bytes that are not UTF-8', { at: usage, fault: 'F09' }, (_, text) => assert.ok(text.includes('\uFFFD'))],
  [
    'decimal commas',
    { at: usage, fault: 'F10' },
    (_, text) => assert.match(JSON.parse(text).items[0].amount.value, /^\d+,\d{4}$/),
  ],
  [
    'amounts a hundred times too high',
    { at: usage, fault: 'F10', arg: { kind: 'x100' } },
    (_, text) => assert.match(JSON.parse(text).items[0].amount.value, /^\d+\.\d{4}$/),
  ],
  [
    'a renamed field',
    { at: usage, fault: 'F11', arg: { kind: 'renamed' } },
    (_, text) => assert.ok(!('startedAt' in JSON.parse(text).items[0]) && 'start' in JSON.parse(text).items[0]),
  ],
  [
    'an item of 2099',
    { at: usage, fault: 'F12', arg: { kind: 'future' } },
    (_, text) => assert.match(JSON.parse(text).items.at(-1).startedAt, /^2099/),
  ],
  [
    'an item missed because pages moved',
    { at: usage, fault: 'F14', arg: { kind: 'missed' } },
    (_, text) => assert.equal(JSON.parse(text).total, JSON.parse(text).items.length + 1),
  ],
  ['another account', { at: usage, fault: 'F20' }, (_, text) => assert.equal(JSON.parse(text).account, '0000099999')],
];

test('every fault of a plan shows at its call and the next call is right; the statistics count them all', async () => {
  const served = await serve(['T_MOBILE'], { records: 600 });
  try {
    const key = await bearer(served);
    const good = await (await ask(served, key)).text();
    for (const [name, fault, check] of spoilt) {
      await control(served, 'POST', 'faults', [fault]);
      const answer = await ask(served, await bearer(served));
      check(answer, await answer.text());
      const next = await (await ask(served, await bearer(served))).text();
      assert.deepEqual(JSON.parse(next).items, JSON.parse(good).items, name);
    }
    assert.equal(await callsOf(served, usage), 1 + 2 * spoilt.length);
    assert.deepEqual(await control(served, 'GET', 'faults').then((state) => (state as { pending: [] }).pending), []);
  } finally {
    await served.stop();
  }
});

test('a fault waits for the nth call and lasts for its times; a reset and silence break off', async () => {
  const faults = [
    { at: usage, nth: 2, times: 2, fault: 'F03', arg: { kind: '503' } },
    { at: usage, nth: 4, fault: 'F03', arg: { kind: 'reset' } },
    { at: usage, nth: 5, fault: 'F03', arg: { kind: 'timeout' } },
  ];
  const served = await serve(['T_MOBILE'], { records: 600, faults });
  try {
    const key = await bearer(served);
    const statuses = [];
    for (let call = 1; call <= 3; call++) statuses.push((await ask(served, key)).status);
    assert.deepEqual(statuses, [200, 503, 503]);
    await assert.rejects(ask(served, key).then((answer) => answer.text()));
    const headers = { authorization: `Bearer ${key}` };
    const signal = AbortSignal.timeout(200);
    await assert.rejects(
      fetch(`${served.base}/v2/accounts/0000000301/usage?${whole}`, { headers, signal }),
      /timeout/i,
    );
    assert.equal((await ask(served, key)).status, 200);
    await assert.rejects(
      control(served, 'POST', 'faults', [{ at: 'T_MOBILE.users', fault: 'F01' }]),
      /"at" is "T_MOBILE.users", not one of/,
    );
    await assert.rejects(
      control(served, 'POST', 'faults', [{ at: usage, fault: 'F99' }]),
      /"fault" at T_MOBILE.usage is "F99"/,
    );
    await assert.rejects(
      control(served, 'POST', 'faults', [{ at: usage, fault: 'F12', arg: { kind: 'odd' } }]),
      /"kind" of F12 is "odd"/,
    );
  } finally {
    await served.stop();
  }
});
