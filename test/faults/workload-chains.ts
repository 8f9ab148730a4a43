/**
 * The chains of this suite, in place of the service's own. Each step writes its effect in its commit callback, into tables
 * that forbid nothing: what is written twice is to be seen by the checkers, not to be refused by the database.
 *
 * `innocent` chains must end as succeeded whatever happens to the processes around them, and no attempt of theirs may be
 * charged with a crash; the others end as their input asks.
 */
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type Commit, chain, child, type Handler, rejected, succeeded } from '../../src/chains/define.ts';
import type { AnyDefinition } from '../../src/chains/registry.ts';
import type { Tx } from '../../src/database/session.ts';
import { troubleChains } from './trouble-chains.ts';

const anyInput = z.record(z.string(), z.json());
type Input = z.infer<typeof anyInput>;

export const schema = `
  create table fault_effect (
    chain_id bigint not null, step text not null, at timestamptz not null default clock_timestamp(),
    pid integer not null, node_ms bigint not null);
  create index on fault_effect (chain_id);
  create table fault_copy (chain_id bigint not null, n integer not null);
  create index on fault_copy (chain_id);`;

export const copiedRows = 2_000;

export async function writeEffect(tx: Tx, chainId: string, step: string): Promise<void> {
  await tx.query('insert into fault_effect (chain_id, step, pid, node_ms) values ($1, $2, $3, $4)', [
    chainId,
    step,
    process.pid,
    Date.now(),
  ]);
}

/** Takes `ms` of its input, and writes one effect; `more` comes after it in the same transaction. */
function effect(step: string, more: (chainId: string) => Commit = () => async () => {}): Handler<Input> {
  return async ({ chainId, input, signal }) => {
    await delay(Number(input.ms ?? 0), undefined, { signal });
    return succeeded({
      output: { step },
      commit: async (tx, open) => {
        await writeEffect(tx, chainId, step);
        await more(chainId)(tx, open);
      },
    });
  };
}

export const line = chain('line', anyInput)
  .step('one', effect('one'))
  .step('two', effect('two'))
  .step('three', effect('three'))
  .step('four', effect('four'));

const sharing = { shared: true };
export const shared = chain('shared', anyInput)
  .step('one', effect('one'), sharing)
  .step('two', effect('two'), sharing)
  .step('three', effect('three'), sharing)
  .step('four', effect('four'), sharing);

export const burst = chain('burst', anyInput).step('only', effect('only'), sharing);

const copyRows =
  (chainId: string): Commit =>
  async (tx) => {
    const lines = Array.from({ length: copiedRows }, (_, n) => `${chainId}\t${n}\n`);
    await tx.copyIn('copy fault_copy (chain_id, n) from stdin', Readable.from(lines));
  };
export const copying = chain('copying', anyInput)
  .step('before', effect('before'))
  .step('copy', effect('copy', copyRows))
  .step('after', effect('after'));

export const member = chain('member', anyInput).step('work', effect('work'), sharing).step('rest', effect('rest'));

/** Opens as many children as its input says, and its last step says how many it was told of. */
export const family = chain('family', anyInput)
  .step('open', async (context) => {
    const { chainId, input } = context;
    const children = Array.from({ length: Number(input.children) }, (_, n) =>
      child(member, { ms: (n % 4) * 10 }, { onChildFailure: 'ignore' }),
    );
    return succeeded({ children, commit: (tx) => writeEffect(tx, chainId, 'open') });
  })
  .step('join', async ({ chainId, children }) => {
    let told = 0;
    for await (const _ of children()) told += 1;
    return succeeded({ output: { told }, commit: (tx) => writeEffect(tx, chainId, 'join') });
  });

/** One at a time of each `key` of their input. */
export const keyed = chain('keyed', anyInput).step('hold', effect('hold'), {
  concurrency: { key: (input) => String(input.key), limit: 1 },
});

/** Says `later` so often as its input asks. */
export const patient = chain('patient', anyInput).step('ask', async ({ chainId, input, read }) => {
  const [row] = await read.query<{ n: number }>(
    `select count(*)::int as n from step_log where chain_id = $1 and outcome = 'rejected' and reason = 'not yet'`,
    [chainId],
  );
  if (row!.n < Number(input.times)) return rejected('not yet', { afterMs: Number(input.afterMs) });
  return succeeded({ commit: (tx) => writeEffect(tx, chainId, 'ask') });
});

export const tick = chain('tick', anyInput).step('only', effect('only'));

const deployed = (version: number) =>
  chain('deployed', anyInput, version).step('first', effect('first')).step('second', effect('second'));
export const deployedOld = deployed(1);
export const deployedNew = deployed(2).step('third', effect('third'));

/** The service brings their schedules. */
const scheduled = ['sync-manager', 'cycle-closing', 'purge'].map((name) =>
  chain(name, anyInput).step('only', effect('only')),
);

export const innocent: readonly AnyDefinition[] = [
  line,
  shared,
  burst,
  copying,
  member,
  family,
  keyed,
  patient,
  tick,
  deployedOld,
  deployedNew,
  ...scheduled,
];

export const allChains: readonly AnyDefinition[] = [...innocent, ...troubleChains];

/** What a service of this suite has for chains; an `old` release does not know what the new one brought. */
export function chainDefinitions(): AnyDefinition[] {
  const old = process.env.LINEKEEPER_TEST_FAULTS_RELEASE === 'old';
  return allChains.filter((definition) => !(old && definition === deployedNew));
}
