import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { showChain } from '../../src/chains/queries.ts';
import { anyInput, effect, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

async function many(name: string, count: number): Promise<void> {
  await h.database.query(
    `insert into chain (name, step, traceparent, input)
     select $1, 'one', '00-${'1'.repeat(32)}-${'2'.repeat(16)}-01', jsonb_build_object('n', n)
     from generate_series(1, $2::int) n`,
    [name, count],
  );
}

const ended = (name: string) =>
  until(
    async () =>
      (
        await h.database.query<{ open: number }>(
          `select count(*)::int as open from chain where name = $1 and state in ('ready', 'running', 'timer')`,
          [name],
        )
      )[0]!.open,
    (open) => open === 0,
    30_000,
  );

const statesOf = async (name: string) =>
  Object.fromEntries(
    (
      await h.database.query<{ state: string; n: number }>(
        'select state, count(*)::int as n from chain where name = $1 group by state',
        [name],
      )
    ).map(({ state, n }) => [state, n]),
  );

test('of 1,000 callbacks in shared transactions exactly the failing ones fail, and every other effect is there once', async () => {
  const isBad = (n: unknown) => Number(n) % 100 === 7;
  const written = effect('one');
  const risky = chain('risky', anyInput).step(
    'one',
    async (context) => {
      if (!isBad(context.input.n)) return written(context);
      return succeeded({ commit: async (tx) => void (await tx.query(`select 'x'::int`)) });
    },
    { shared: true, retry: { tries: 2, delayMs: 1 } },
  );
  await many('risky', 1_000);
  const engine = h.engine([risky], { lanes: 64, leaseMs: 6_000, beatMs: 500 });
  await ended('risky');
  assert.deepEqual(await statesOf('risky'), { succeeded: 990, dead: 10 });
  const wrong = await h.database.query(
    `select c.id, c.state, count(e.step)::int as effects from chain c left join effect e on e.chain_id = c.id
     where c.name = 'risky' group by c.id, c.state
     having count(e.step) <> (c.state = 'succeeded')::int`,
  );
  assert.deepEqual(wrong, []);
  const dead = await h.database.query<{ reason: string; n: number }>(
    `select reason, (input ->> 'n')::int as n from chain where name = 'risky' and state = 'dead'`,
  );
  for (const { reason, n } of dead) {
    assert.ok(isBad(n));
    assert.match(reason, /commit of step one of chain risky threw: invalid input syntax for type integer/);
  }
  const [together] = await h.database.query<{ most: number }>(
    `select count(*)::int as most from effect e join chain c on c.id = e.chain_id and c.name = 'risky'
     group by e.xmin order by 1 desc limit 1`,
  );
  assert.ok(together!.most > 10, `${together!.most} callbacks in the largest transaction`);
  assert.deepEqual(await auditChains(h.database), []);
  await engine.stop(1_000);
});

test('what PostgreSQL refuses to store fails alone among 500 completions of one statement', async () => {
  await h.database.query(`
    create function refuse() returns trigger language plpgsql as $$ begin
      if new.outcome = 'succeeded' and exists (select from chain where id = new.chain_id and name = 'plain'
          and (input ->> 'n')::int in (17, 333)) then
        raise sqlstate '22023' using message = 'cannot be stored';
      end if;
      return new;
    end $$`);
  await h.database.query('create trigger refuse before insert on step_log for each row execute function refuse()');
  const plain = chain('plain', anyInput).step('one', async () => succeeded(), { retry: { tries: 1, delayMs: 1 } });
  await many('plain', 500);
  const engine = h.engine([plain], { lanes: 500, leaseMs: 6_000, beatMs: 500 });
  await ended('plain');
  assert.deepEqual(await statesOf('plain'), { succeeded: 498, dead: 2 });
  await h.database.query('drop trigger refuse on step_log');
  const bad = await h.database.query<{ n: number }>(
    `select (input ->> 'n')::int as n from chain where name = 'plain' and state = 'dead' order by 1`,
  );
  assert.deepEqual(
    bad.map(({ n }) => n),
    [17, 333],
  );
  const [together] = await h.database.query<{ most: number }>(
    `select count(*)::int as most from chain where name = 'plain' group by xmin order by 1 desc limit 1`,
  );
  assert.ok(together!.most > 10, `${together!.most} in the largest statement`);
  await engine.stop(1_000);
});

test('a shared callback that hangs is ended at its deadline, and its neighbours get through', async () => {
  const hanging = chain('hanging', anyInput).step(
    'one',
    async (context) => {
      if (context.input.n !== 3) return effect('one')(context);
      return succeeded({ commit: async (tx) => void (await tx.query('select pg_sleep(60)')) });
    },
    { shared: true, deadlineMs: 300, retry: { tries: 1, delayMs: 1 } },
  );
  await many('hanging', 6);
  const engine = h.engine([hanging], { lanes: 8 });
  await ended('hanging');
  assert.deepEqual(await statesOf('hanging'), { succeeded: 5, dead: 1 });
  const [dead] = await h.database.query<{ id: string }>(
    `select id from chain where name = 'hanging' and state = 'dead'`,
  );
  assert.match((await showChain(h.database, dead!.id))!.reason!, /took longer than 300 ms, its step's deadline/);
  await engine.stop(1_000);
});

test('the output that a shared callback returns is what the next step gets', async () => {
  const passing = chain('passing', anyInput)
    .step('one', async () => succeeded({ output: 'the first', commit: async () => 'the second' }), { shared: true })
    .step('two', async ({ previous }) => succeeded({ output: [previous] }));
  const engine = h.engine([passing]);
  const { chainId } = await h.enqueueWith([passing])(h.database, passing, {});
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(row.previous, ['the second']);
  await engine.stop(1_000);
});
