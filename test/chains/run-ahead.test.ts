import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { auditChains } from '../../src/chains/audit.ts';
import { atMostOnce, chain, idempotent, succeeded } from '../../src/chains/define.ts';
import { endPause, setPause } from '../../src/chains/pause.ts';
import type { StopPoints } from '../../src/chains/stop-points.ts';
import { anyInput, effect, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

const given = (output: string) => async () => succeeded({ output });
const letters = chain('letters', anyInput)
  .step('a', given('a'))
  .step('b', given('b'))
  .step('c', given('c'))
  .step('d', given('d'));

interface Line {
  readonly step: string;
  readonly outcome: string;
  readonly token: string;
  readonly attempt: number;
  readonly output: unknown;
  readonly tx: string;
}

/** The chain's log; `tx` is the transaction that wrote the line. */
const linesOf = (chainId: string): Promise<Line[]> =>
  h.database.query(
    'select step, outcome, token, attempt, output, xmin::text as tx from step_log where chain_id = $1 order by token',
    [chainId],
  );
const transactionsOf = (lines: readonly Line[]) => new Set(lines.map(({ tx }) => tx)).size;

/** Calls `at` when the first chain reaches that point; the engine waits for it. */
function stopAt(point: string, wanted: string, at: () => Promise<unknown>): StopPoints {
  let reached = false;
  return {
    reach(name, _chainId, step) {
      if (reached || name !== point || step !== wanted) return undefined;
      reached = true;
      return at().then(() => {});
    },
  };
}

test('steps that end well at once, with nothing to commit, are one write: a line for each, under its own token', async () => {
  const { chainId } = await h.enqueueWith([letters])(h.database, letters, {});
  const engine = h.engine([letters]);
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual([row.step, row.previous, row.token, row.started_token, row.attempt], ['d', 'd', '4', '4', 1]);
  const lines = await linesOf(chainId);
  assert.deepEqual(
    lines.map(({ step, outcome, token, attempt, output }) => [step, outcome, token, attempt, output]),
    ['a', 'b', 'c', 'd'].map((step, at) => [step, 'succeeded', String(at + 1), 1, step]),
  );
  assert.equal(transactionsOf(lines), 1);
  await engine.stop(1_000);
});

test('nothing begins before what may have effects, what has children, a callback or another turn lies behind it', async () => {
  const turned = async () => {
    await nextTurn();
    return succeeded();
  };
  const careful = chain('careful', anyInput)
    .step('callback', effect('callback'))
    .step('key', given('key'), { effects: idempotent(() => 'key') })
    .step('once', given('once'), { effects: atMostOnce })
    .step('turned', turned)
    .step('last', given('last'));
  const begun: string[] = [];
  const written: string[] = [];
  const engine = h.engine([careful], {
    stopPoints: {
      reach(name, _chainId, step) {
        if (name === 'after-claim') begun.push(`${step} after ${written.at(-1)}`);
        if (name === 'after-commit') written.push(step);
      },
    },
  });
  const { chainId } = await h.enqueueWith([careful])(h.database, careful, {});
  await h.chainUntil(chainId, isState('succeeded'));
  const expected = [
    'callback after undefined',
    'key after callback',
    'once after key',
    'turned after once',
    'last after turned',
  ];
  assert.deepEqual(begun, expected, 'only what has no effects began before the one before it was written');
  await engine.stop(1_000);
});

test('a pause that comes before the write holds: what ran ahead counts for nothing, and runs when the pause ends', async () => {
  let ranB = 0;
  const held = chain('held', anyInput)
    .step('a', given('a'))
    .step('b', async () => {
      ranB += 1;
      return succeeded({ output: 'b' });
    })
    .step('c', given('c'));
  const scopes = { chains: ['held'], providers: [] };
  const { chainId } = await h.enqueueWith([held])(h.database, held, {});
  const engine = h.engine([held], {
    stopPoints: stopAt('before-commit', 'a', () =>
      setPause(h.database, scopes, {
        scope: 'chain:held',
        by: 'anna@cli',
        why: 'the provider moves house',
        until: null,
      }),
    ),
  });
  const paused = await h.chainUntil(chainId, isState('paused'));
  assert.deepEqual([paused.step, paused.previous], ['b', 'a']);
  assert.deepEqual(
    (await linesOf(chainId)).map(({ step }) => step),
    ['a'],
  );
  assert.equal(ranB, 1, 'it did run ahead');
  assert.deepEqual(await auditChains(h.database), []);
  await endPause(h.database, 'chain:held');
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(row.previous, 'c');
  assert.deepEqual(
    (await linesOf(chainId))
      .filter(({ outcome }) => outcome === 'succeeded')
      .map(({ step, attempt }) => [step, attempt]),
    [
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ],
  );
  await engine.stop(1_000);
});

test('what PostgreSQL refuses to store of a stretch is a crash of its own step only', async () => {
  const picky = chain('picky', anyInput)
    .step('a', given('a'))
    .step('b', given('b'))
    .step('c', given('c'), { retry: { tries: 2, delayMs: 1 } })
    .step('d', given('d'));
  await h.database.query(
    `alter table step_log add constraint picky check (step <> 'c' or outcome <> 'succeeded' or attempt > 1) not valid`,
  );
  const { chainId } = await h.enqueueWith([picky])(h.database, picky, {});
  const engine = h.engine([picky]);
  await h.chainUntil(chainId, isState('succeeded'));
  await h.database.query('alter table step_log drop constraint picky');
  const lines = (await linesOf(chainId)).map(({ step, outcome, attempt }) => `${step} ${outcome} ${attempt}`);
  assert.deepEqual(lines, ['a succeeded 1', 'b succeeded 1', 'c crashed 1', 'c succeeded 2', 'd succeeded 1']);
  await engine.stop(1_000);
});

test('a cancel that comes before the write drops all of it', async () => {
  const { chainId } = await h.enqueueWith([letters])(h.database, letters, {});
  const engine = h.engine([letters], {
    stopPoints: stopAt('before-commit', 'a', async () => {
      await h.database.query(
        `update chain set state = 'cancelled', owner = null, token = token + 1, finished_at = now() where id = $1`,
        [chainId],
      );
    }),
  });
  await h.chainUntil(chainId, isState('cancelled'));
  await engine.stop(1_000);
  assert.deepEqual(await linesOf(chainId), []);
  assert.deepEqual(await auditChains(h.database), []);
});

test('a suspect stays one through the step that may have run ahead of its row, and no further', async () => {
  const mixed = chain('mixed', anyInput)
    .step('a', given('a'))
    .step('b', given('b'))
    .step('c', effect('c'))
    .step('d', given('d'));
  const { chainId } = await h.enqueueWith([mixed])(h.database, mixed, {});
  await h.database.query('update chain set suspect = 1, attempt = 1 where id = $1', [chainId]);
  const only = h.engine([mixed], { suspects: 'only', lanes: 1 });
  const row = await h.chainUntil(chainId, (seen) => seen.state === 'ready' && seen.suspect === 0);
  assert.equal(row.step, 'd');
  assert.equal(transactionsOf(await linesOf(chainId)), 3, 'nothing runs ahead there');
  await only.stop(1_000);
});
