import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { customersForm } from '../../../simulator/account.ts';
import type { ServedProviders } from '../../../simulator/http/serve.ts';
import { openArchive } from '../../../src/archive/archive.ts';
import type { ChainDefinition } from '../../../src/chains/define.ts';
import { openComputePool } from '../../../src/compute/open-pool.ts';
import { applyCustomers } from '../../../src/customers/apply.ts';
import { buildChain } from '../../../src/providers/interpreter/build-chain.ts';
import type { AccessToken } from '../../../src/providers/session.ts';
import type { SyncInput } from '../../../src/providers/sync-input.ts';
import { tMobile } from '../../../src/providers/t-mobile/adapter.ts';
import { openRest } from '../../../src/providers/transports/rest.ts';
import { loadTariff } from '../../../src/totals/tariff-store.ts';
import { type Harness, harness, until } from '../../chains/harness.ts';
import { callsOf, control, secrets, serve } from '../../simulator/http/served.ts';
import { closedCycle, type TruthTotal, truthLines } from '../../support/closed-cycle.ts';

let h: Harness;
let served: ServedProviders;
let definition: ChainDefinition<SyncInput>;
const directory = mkdtempSync(join(tmpdir(), 't-mobile-'));
const compute = openComputePool({ threads: 1 });
const tokens = new Map<string | null, AccessToken | null>();
const open = new Set<string>();

before(async () => {
  served = await serve(['T_MOBILE'], { records: 2_400, faults: [] });
  h = await harness();
  await h.database.transaction(async (tx) => {
    for (const tariff of served.tariffs) await loadTariff(tx, tariff);
    await applyCustomers(tx, customersForm(served.contracts));
  });
  const archive = await openArchive(directory, {
    expectedId: null,
    randomId: () => crypto.randomUUID(),
    nowMs: Date.now,
  });
  definition = buildChain(tMobile, {
    archive,
    compute,
    alerts: {
      raise: ({ rule, subject }) => void open.add(`${rule} ${subject}`),
      resolve: (rule, subject) => void open.delete(`${rule} ${subject}`),
      flush: async () => {},
    },
    openTransport: () => assert.fail('it has no files'),
    openRest: (description, spec, session, signal) =>
      openRest({
        ...{ description, spec, session, signal },
        resolve: () => secrets.T_MOBILE,
        readFile: (path) => readFileSync(path, 'utf8'),
        nowMs: () => performance.now(),
        sleep: (ms, aborted) => delay(ms, undefined, { signal: aborted }),
      }),
    acquireSession: async (credential) => ({
      kind: 'granted',
      session: {
        permit: async () => ({ kind: 'granted' }),
        pauseAll: async () => {},
        token: tokens.get(credential) ?? null,
        keepToken: (kept) => void tokens.set(credential, kept),
        release() {},
      },
    }),
  });
});
after(async () => {
  await compute.close();
  await h.close();
  await served.stop();
  rmSync(directory, { recursive: true });
});

/** Runs every profile to the end of its chain; one that waits for a time is told that it has come. */
async function syncAll(): Promise<string[]> {
  const engine = h.engine([definition]);
  const profiles = await h.database.query<{ id: string; contract_id: string; session_key: string }>(
    'select id, contract_id, session_key from sync_profile where suspended_reason is null order by id',
  );
  const states: string[] = [];
  for (const profile of profiles) {
    const [task] = await h.database.query<{ id: string }>(
      `insert into sync_task (profile_id, requested_by, cycle_start) values ($1, 'test', '2026-03-01') returning id`,
      [profile.id],
    );
    const { chainId } = await h.enqueueWith([definition])(h.database, definition, {
      syncTaskId: task!.id,
      profileId: profile.id,
      contractId: profile.contract_id,
      force: false,
      session: profile.session_key,
    });
    const row = await until(
      async () => {
        await h.database.query(`update chain set run_at = now() where state = 'timer'`);
        return (await h.database.query('select state, reason from chain where id = $1', [chainId]))[0]!;
      },
      ({ state }) => ['succeeded', 'failed', 'dead'].includes(String(state)),
      60_000,
    );
    states.push(row.state === 'succeeded' ? 'succeeded' : `${String(row.state)}: ${String(row.reason)}`);
  }
  await engine.stop(1_000);
  return states;
}

interface Truth {
  readonly cycles: readonly {
    readonly account: string;
    readonly cycleStart: string;
    readonly totals: readonly TruthTotal[];
  }[];
}

async function assertTruth(): Promise<void> {
  const truth = await control<Truth>(served, 'GET', 'truth');
  const expected = truth.cycles.flatMap(({ account, cycleStart, totals }) =>
    totals.map((one) => `${account} ${cycleStart} ${one.msisdn} ${one.category} ${one.records} ${one.amountE8}`),
  );
  const rows = await h.database.query<{ line: string }>(
    `select concat_ws(' ', k.account_no, to_char(u.cycle_start, 'YYYY-MM-DD'), u.msisdn, u.category, u.records, u.amount_e8) as line
     from total_usage u join total_generation g using (contract_id, cycle_start, generation) join contract k on k.id = u.contract_id
     where g.state = 'current' and u.records > 0`,
  );
  assert.deepEqual(rows.map(({ line }) => line).sort(), expected.sort());
}

test('pages, tokens, versions and voids become the totals of the truth, with calls that fail in between', async () => {
  const faults = [
    // of the second client, by a clock that is wrong: the token has ended when it comes
    { at: 'T_MOBILE.token', nth: 3, fault: 'F21' },
    { at: 'T_MOBILE.usage', nth: 2, fault: 'F01' },
    { at: 'T_MOBILE.usage', nth: 4, fault: 'F02', arg: { retryAfter: 2 } },
    { at: 'T_MOBILE.usage', nth: 6, fault: 'F03', arg: { kind: 'html' } },
    { at: 'T_MOBILE.usage', nth: 8, fault: 'F03', arg: { kind: 'reset', bytes: 100 } },
    { at: 'T_MOBILE.usage', nth: 10, fault: 'F14', arg: { kind: 'missed' } },
    { at: 'T_MOBILE.usage', nth: 12, fault: 'F20' },
    { at: 'T_MOBILE.usage', nth: 13, fault: 'F12', arg: { kind: 'before-contract' } },
  ];
  await control(served, 'POST', 'faults', faults);
  assert.deepEqual(await syncAll(), ['succeeded', 'succeeded']);
  await assertTruth();
  const impossible = await h.database.query(`select reason from raw_file where reason like '%before the contract%'`);
  assert.equal(impossible.length, 1);
  assert.equal(await callsOf(served, 'T_MOBILE.token'), 4);
  const calls = await callsOf(served, 'T_MOBILE.usage');
  assert.ok(calls < 60, `${calls} calls`);
  await control(served, 'POST', 'advance-clock', { seconds: 86_400 });
  // what was provisional or missing becomes final, within the overlap
  assert.deepEqual(await syncAll(), ['succeeded', 'succeeded']);
  await assertTruth();
});

/** Syncs as when the time to look back has come. */
async function lookBack(): Promise<void> {
  await h.database.query(`update sync_profile set watermark = watermark || '{"lookedBack": "2000-01-01T00:00:00Z"}'`);
  assert.deepEqual(await syncAll(), ['succeeded', 'succeeded']);
}

test('F22 what becomes void or changes long after it was final is found by the next look back, and by no sync before', async () => {
  // calls of a kind that nobody knows have their windows read again, until that is given up
  for (let run = 0; run < 2; run += 1) assert.deepEqual(await syncAll(), ['succeeded', 'succeeded']);
  const order = { account: '0000000301', month: '2026-10' };
  await control(served, 'POST', 'correct', { ...order, kind: 'void' });
  await control(served, 'POST', 'correct', { ...order, kind: 'changed' });
  assert.deepEqual(await syncAll(), ['succeeded', 'succeeded']);
  await assert.rejects(assertTruth());
  await lookBack();
  await assertTruth();
  const [looked] = await h.database.query(
    `select count(*)::int as profiles from sync_profile where watermark ->> 'lookedBack' > '2000-01-01T00:00:00Z'`,
  );
  assert.deepEqual(looked, { profiles: 2 });
});

test('F22 what becomes void or changes after its cycle was closed adjusts the open one, once; the closed digest stays', async () => {
  const october = closedCycle(h.database, '0000000302', '2026-10-01');
  const before = await october.generations();
  await october.close();
  for (const kind of ['void', 'changed']) {
    await control(served, 'POST', 'correct', { account: '0000000302', month: '2026-10', kind });
  }
  await lookBack();
  assert.deepEqual(await october.generations(), { ...before, cycle: 'adjusted' });
  const adjusting = await october.adjustments('C002');
  const { shown } = adjusting;
  // five are taken back, and five more billed anew
  assert.deepEqual([shown.length, shown.filter(({ takesBack }) => takesBack).length], [15, 10]);
  assert.ok(shown.every(({ adjusts, reproduced }) => adjusts === '2026-10-01' && reproduced));
  assert.equal(
    BigInt(adjusting.amountE8),
    shown.reduce((sum, { amountE8 }) => sum + BigInt(amountE8), 0n),
  );
  const { cycles } = await control<Truth>(served, 'GET', 'truth');
  const { totals } = cycles.find((one) => one.account === '0000000302' && one.cycleStart === '2026-10-01')!;
  const numbers = totals.map(({ msisdn }) => msisdn);
  assert.deepEqual(await october.lines(numbers), truthLines(totals));
  await lookBack();
  assert.deepEqual(await october.adjustments('C002'), adjusting);
});

test('a credential that is refused is tried once, and suspends its profile', async () => {
  tokens.clear();
  await control(served, 'POST', 'faults', [{ at: 'T_MOBILE.token', fault: 'F01', times: 0 }]);
  const before = await callsOf(served, 'T_MOBILE.token');
  const [state] = await syncAll();
  assert.match(state!, /^failed: .* refused the credential of client c001: 400, invalid_grant/);
  assert.ok((await callsOf(served, 'T_MOBILE.token')) - before <= 2);
  const suspended = await h.database.query('select 1 from sync_profile where suspended_reason is not null');
  assert.equal(suspended.length, 2);
});
