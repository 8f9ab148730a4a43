/**
 * Closing cycles: by themselves when they are due (the chain `cycle-closing`, every quarter of an hour, on any node), or by a
 * person. What is closed stays: imports write adjustments instead (adjustments.ts), publishing and restoring refuse.
 * Everything is one transaction behind the contract's lock, so two that close at once close once. A contract whose lock
 * somebody holds is left to the next time. The `audit` row is part of the transaction.
 */
import { z } from 'zod';
import { type ChainDefinition, chain, succeeded } from '../chains/define.ts';
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { isClosed, lockCycleOf } from './cycles.ts';
import { type CycleStanding, quietSeconds, standing, whyNotClosed } from './standing.ts';

/** Three of its schedule's periods. */
const expectedEveryMs = 3 * 900_000;

export function cycleClosing(): ChainDefinition<Record<string, unknown>> {
  const expect = { successEveryMs: expectedEveryMs };
  return chain('cycle-closing', z.record(z.string(), z.unknown()), 1, { expect }).step('close', async () =>
    succeeded({ commit: async (tx) => ({ ...(await closeDueCycles(tx)) }) }),
  );
}

/** Contracts at a time: a transaction holds their locks. What is left over comes with the next slot. */
const contractsAtOnce = 200;

const ended = `y.state in ('open', 'grace') and y.ends_at <= now()`;

const contractsToLook = `
  select k.id from contract k
  where exists (select from cycle y where y.contract_id = k.id and y.state = 'open' and y.ends_at <= now())
    or k.id in (select "contractId" from (${standing(ended)}) s where s.due and s.blocker is null)
  order by k.id limit $2 for no key update skip locked`;

const beginGrace = `
  update cycle set state = 'grace' where contract_id = any($1::bigint[]) and state = 'open' and ends_at <= now() returning 1`;

const closable = `
  select "contractId", customer, account, "cycleStart", generation from (
    ${standing(`${ended} and y.contract_id = any($2::bigint[])`)}) s
  where s.due and s.blocker is null`;

type Closable = Pick<CycleStanding, 'contractId' | 'customer' | 'account' | 'cycleStart' | 'generation'>;

/** Lets ended cycles into grace, and closes those that are due and that nothing keeps from it. */
export async function closeDueCycles(
  tx: Tx,
  quiet = quietSeconds,
): Promise<{ grace: number; closed: readonly string[] }> {
  const contracts = await tx.query<{ id: string }>(contractsToLook, [quiet, contractsAtOnce]);
  if (contracts.length === 0) return { grace: 0, closed: [] };
  const ids = contracts.map(({ id }) => id);
  const grace = await tx.query(beginGrace, [ids]);
  const cycles = await tx.query<Closable>(closable, [quiet, ids]);
  for (const cycle of cycles) await close(tx, cycle, 'cycle-closing', 'late days are over');
  return {
    grace: grace.length,
    closed: cycles.map(({ customer, account, cycleStart }) => `${customer}/${account}/${cycleStart}`),
  };
}

const closeCycleRow = `
  update cycle set state = 'closed', closed_at = now() where contract_id = $1 and cycle_start = $2`;

const record = `insert into audit (actor, action, subject, detail) values ($1, 'cycle.closed', $2, $3)`;

async function close(tx: Tx, cycle: Closable, by: string, reason: string): Promise<void> {
  const { contractId, customer, account, cycleStart, generation } = cycle;
  await tx.query(closeCycleRow, [contractId, cycleStart]);
  await tx.query(record, [by, `${customer}/${account}/${cycleStart}`, JSON.stringify({ generation, reason })]);
}

const one = standing('y.contract_id = $2 and y.cycle_start = $3');

/** A person need not wait for the late days. Throws `InputError` with what keeps the cycle from being closed. */
export async function closeCycle(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  by: { readonly by: string; readonly reason: string },
): Promise<void> {
  const state = await lockCycleOf(tx, contractId, cycleStart);
  const [cycle] = await tx.query<CycleStanding>(one, [quietSeconds, contractId, cycleStart]);
  if (isClosed(state)) throw new InputError(`cycle ${cycleStart} is closed since ${cycle!.closesAt}`);
  if (cycle!.blocker !== null) {
    throw new InputError(`cycle ${cycleStart} of account ${cycle!.account} cannot be closed: ${whyNotClosed(cycle!)}`);
  }
  await close(tx, cycle!, by.by, by.reason);
}
