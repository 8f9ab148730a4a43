import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChainCommandError } from '../../src/chains/commands.ts';
import { removeDeadLetter, retryDeadLetters } from '../../src/chains/dead-letters.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { anyInput, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

const left = chain('left', anyInput).step('only', async () => succeeded());
const right = chain('right', anyInput).step('only', async () => succeeded());

async function dead(definition: typeof left): Promise<string> {
  const enqueue = h.enqueueWith([left, right]);
  const { chainId } = await enqueue(h.database, definition, {});
  await h.database.query(`update chain set state = 'dead', reason = 'crashed', token = token + 1 where id = $1`, [
    chainId,
  ]);
  return chainId;
}

test('retrying all that match leaves other chains dead, and what was retried ends', async () => {
  const [one, two, other] = [await dead(left), await dead(left), await dead(right)];
  assert.deepEqual(await retryDeadLetters(h.database, { name: 'left' }, 'anna@cli'), {
    retried: [one, two],
    refused: [],
  });
  const engine = h.engine([left, right]);
  for (const id of [one, two]) await h.chainUntil(id, isState('succeeded'));
  await h.chainUntil(other, isState('dead'));
  await engine.stop(1_000);
});

test('a removed dead letter is cancelled with who and why in its log, once; an open chain is no dead letter', async () => {
  const id = await dead(left);
  await removeDeadLetter(h.database, id, 'anna@cli', 'wrong contract');
  const [row] = await h.database.query('select state, reason, reason_by from chain where id = $1', [id]);
  assert.deepEqual(row, { state: 'cancelled', reason: 'wrong contract', reason_by: 'anna@cli' });
  const [log] = await h.database.query('select reason from step_log where chain_id = $1 order by token desc', [id]);
  assert.equal(log!.reason, 'wrong contract (anna@cli)');
  await assert.rejects(removeDeadLetter(h.database, id, 'anna@cli'), ChainCommandError);
  const { chainId } = await h.enqueueWith([left])(h.database, left, {});
  await assert.rejects(removeDeadLetter(h.database, chainId, 'anna@cli'), /is not a dead letter/);
  const audit = await h.database.query(`select subject from audit where action = 'dead remove'`);
  assert.deepEqual(audit, [{ subject: `chain ${id}` }]);
});
