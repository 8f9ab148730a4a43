/**
 * Proof of work (law 6): a no-op row of this node's own goes through the engine's real claim, completion and commit, on the
 * engine's real sessions, in the turn of the loop that claims.
 *
 * One transaction: the row is made, claimed, finished and removed, so that only its line in the log is ever seen and a
 * node that dies in between leaves nothing. Its name carries the boot id and its due time lies before every other, so that
 * it waits behind no queue, needs no lane and minds no pause. Rejects as every statement does; throws when the claim or the
 * fence missed the row, which nothing but a broken engine can bring about.
 */
import { makeTraceparent } from '../../otel/traceparent.ts';
import type { Database } from '../database/session.ts';
import { claimReady } from './claim.ts';
import { finish } from './completion-sql.ts';
import { fromZero } from './low-water.ts';

const insertProof = `
  insert into chain (name, step, priority, run_at, traceparent, input)
  values ($1, 'prove', 0, '-infinity', $2, '{}')
  returning id`;

const removeProof = `delete from chain where id = $1 and state = 'succeeded'`;

export async function proveWork(engine: Database, bootId: string): Promise<void> {
  const name = `node-proof.${bootId}`;
  const traceparent = makeTraceparent();
  await engine.transaction(async (tx) => {
    const [made] = await tx.query<{ id: string }>(insertProof, [name, traceparent]);
    const [claimed] = await tx.query(claimReady, [bootId, 1, 0, [`${name} 1`], null, fromZero]);
    // a claim by itself does not wait for the disk; a proof does
    await tx.query('set local synchronous_commit to default');
    if (claimed?.id !== made!.id) throw new Error(`the claim did not find ${name}, which is ready`);
    const { id, step, token, attempt } = claimed!;
    const values = [id, bootId, token, step, attempt, traceparent, 0, 'succeeded', null, null, null, 'succeeded'];
    const moved = await tx.query(finish, values);
    if (moved.length === 0) throw new Error(`the fence missed ${name}, which was just claimed`);
    await tx.query(removeProof, [id]);
  });
}
