/**
 * The primary dies under load and its standby takes over. Synchronous: nothing that was answered is lost. Asynchronous: the
 * last commits are, and what they did is done again as if it had never been, by nodes that remember none of it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { auditChains } from '../../src/chains/audit.ts';
import { chain } from '../../src/chains/define.ts';
import { createEnqueue } from '../../src/chains/enqueue.ts';
import { type AnyDefinition, createRegistry } from '../../src/chains/registry.ts';
import { migrate } from '../../src/database/migrate.ts';
import type { Database } from '../../src/database/session.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import { admin } from '../support/database.ts';
import { type Pair, startPair } from '../support/replica.ts';
import { until } from '../support/service.ts';
import { type FailoverNode, failoverNode } from './failover-nodes.ts';
import { anyInput, effect, fourSteps } from './harness.ts';

/** From the standby's promotion on: noticed, sessions anew, rows given back, all work done. */
const boundMs = 12_000;

async function fill(url: string): Promise<void> {
  await migrate(url);
  await admin(url, 'create table effect (chain_id bigint, step text, primary key (chain_id, step))');
}

interface World {
  readonly pair: Pair;
  node(definitions: readonly AnyDefinition[], beatMs?: number): Promise<FailoverNode>;
}

async function withPair(synchronous: boolean, run: (world: World) => Promise<void>): Promise<void> {
  const pair = await startPair({ synchronous, fill });
  const nodes: FailoverNode[] = [];
  try {
    await run({
      pair,
      async node(definitions, beatMs) {
        const node = await failoverNode(pair.url, definitions, beatMs);
        nodes.push(node);
        return node;
      },
    });
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
    await pair.close();
  }
}

async function countIn(database: Database, what: string): Promise<number> {
  return (await database.query<{ n: number }>(`select count(*)::int as n from ${what}`))[0]!.n;
}

/** False while the database is away, too. */
const is = (work: Promise<unknown>) =>
  work.then(
    (value) => value !== false,
    () => false,
  );

const openerOf = (definition: AnyDefinition) =>
  createEnqueue({ registry: createRegistry([definition]), signals: inProcessSignals(() => {}) });

/** Opens chains until told to end; knows those whose opening was answered. */
function openChains(database: Database): { readonly answered: string[]; end(): Promise<void> } {
  const enqueue = openerOf(fourSteps);
  const answered: string[] = [];
  let wanted = true;
  const opening = (async () => {
    while (wanted) {
      const opened = await enqueue(database, fourSteps, { i: answered.length }).catch(() => null);
      if (opened) answered.push(opened.chainId);
      await delay(opened ? 2 : 20);
    }
  })();
  return {
    answered,
    async end() {
      wanted = false;
      await opening;
    },
  };
}

/** What must hold after every fault. */
async function assertSound({ database, crashes }: FailoverNode): Promise<void> {
  assert.deepEqual(crashes, []);
  assert.deepEqual(await auditChains(database), []);
  assert.equal(await countIn(database, `chain where state <> 'succeeded'`), 0);
  const effects = `select chain_id::text || ' ' || step as one from effect order by 1`;
  // a node that had time to prove itself has left a row of that in the log
  const done = `select chain_id::text || ' ' || step as one from step_log where outcome = 'succeeded' and step <> 'prove' order by 1`;
  assert.deepEqual(await database.query(effects), await database.query(done));
  assert.equal(await countIn(database, 'effect'), 4 * (await countIn(database, 'chain')));
  // no attempt is burned and nobody is under suspicion: the database moved, no step failed
  const odd = `step_log where outcome not in ('succeeded', 'released') or attempt > 1`;
  assert.equal(await countIn(database, odd), 0);
}

/** Resolves to the chains whose opening was answered before the standby took over. */
async function failOver(
  { pair, node: start }: World,
  cutOff: boolean,
): Promise<{ node: FailoverNode; answered: string[] }> {
  const nodes = [await start([fourSteps]), await start([fourSteps])];
  const node = nodes[0]!;
  const before = nodes.map(({ engine }) => engine.status().bootId);
  const load = openChains(node.database);
  const grows = async (by: number) => {
    const from = load.answered.length;
    await until(`${by} more chains`, async () => load.answered.length >= from + by, boundMs);
  };
  await grows(80);
  if (cutOff) {
    await pair.cutOff();
    await grows(80);
  }
  await pair.primary.kill();
  await pair.standby.promote();
  const answered = [...load.answered];
  await grows(40);
  await load.end();
  const open = () => countIn(node.database, `chain where state <> 'succeeded'`).then((n) => n === 0);
  await until('all work to be done', () => is(open()), boundMs);
  for (const [at, { engine, hosts }] of nodes.entries()) {
    assert.equal(hosts.view().current?.timeline, 2);
    assert.notEqual(engine.status().bootId, before[at]);
  }
  await assertSound(node);
  // only the lives of now are live: nobody owns what the rows do not say
  const live = await node.database.query<{ id: string }>(`select id from node where state = 'live' order by id`);
  assert.deepEqual(
    live.map(({ id }) => id),
    nodes.map(({ engine }) => engine.status().bootId!).sort(),
  );
  return { node, answered };
}

describe('failover to a standby under load', { concurrency: 2 }, () => {
  test('synchronous: each chain whose opening was answered is done, each effect once; the old primary is not gone back to', () =>
    withPair(true, async (world) => {
      const { node, answered } = await failOver(world, false);
      const lost = await node.database.query(
        `select id from unnest($1::bigint[]) id where not exists (select from chain c where c.id = id.id)`,
        [answered],
      );
      assert.deepEqual(lost, []);
      // it comes back as it was: a primary that knows nothing of the other
      await world.pair.primary.start();
      node.look();
      await until('the old primary to be seen', async () => node.hosts.view().hosts[0]!.verdict === 'old');
      assert.equal(node.hosts.view().current?.name, `${world.pair.standby.host}:5432`);
      assert.equal(await countIn(node.database, 'effect'), 4 * (await countIn(node.database, 'chain')));
    }));

  test('asynchronous: what was lost is done again from where the rows are, consistent and in bounded time', () =>
    withPair(false, async (world) => {
      const { node, answered } = await failOver(world, true);
      const kept = await countIn(node.database, `chain where id = any('{${answered.join(',')}}')`);
      assert.ok(kept < answered.length, 'the standby had everything: this test showed nothing');
    }));

  test('a run from before the move cannot pass for one of after it, though its token comes again', (t) =>
    withPair(false, async ({ pair, node: start }) => {
      const gates = { one: Promise.withResolvers<void>(), two: Promise.withResolvers<void>() };
      const calls = { one: 0, two: 0 };
      const held = chain('held', anyInput)
        .step(
          'one',
          async (context) => {
            calls.one += 1;
            if (calls.one === 2) throw new Error('once, so that the token of the second step comes again in the first');
            if (calls.one === 3) await gates.one.promise;
            return effect('one')(context);
          },
          { retry: { tries: 2, delayMs: 10 } },
        )
        .step('two', async (context) => {
          calls.two += 1;
          if (calls.two === 1) await gates.two.promise;
          return effect('two')(context);
        });
      // no beat in between, which would find the old run lost
      const node = await start([held], 20_000);
      // also when an assertion fails: a handler that hangs keeps the process
      t.after(() => {
        for (const gate of Object.values(gates)) gate.resolve();
      });
      // the standby knows the chain before its first claim, and is cut off; the primary goes on up to the second step
      await admin(pair.primary.url, `insert into pause (scope, by, why) values ('all', 'test', 'not yet')`);
      const { chainId } = await openerOf(held)(node.database, held, {});
      const paused = `select 1 / count(*) from chain where id = ${chainId} and state = 'paused'`;
      await until('the standby to know the chain', () => is(admin(pair.standby.url, paused)));
      await pair.cutOff();
      await admin(pair.primary.url, 'delete from pause');
      await until('the second step', async () => calls.two === 1);
      await pair.primary.kill();
      await pair.standby.promote();
      await admin(pair.standby.url, 'delete from pause');
      await until('the first step to be tried again', async () => calls.one === 3, boundMs);
      gates.two.resolve();
      const now = async () => (await node.database.query('select state, step from chain where id = $1', [chainId]))[0]!;
      await delay(300); // long enough for the old run to commit, if anything let it
      assert.deepEqual(await now(), { state: 'running', step: 'one' });
      gates.one.resolve();
      await until('the chain to succeed', async () => (await now()).state === 'succeeded');
      assert.equal(await countIn(node.database, `effect where chain_id = ${chainId}`), 2);
      assert.deepEqual(node.crashes, []);
    }));
});
