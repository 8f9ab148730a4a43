/** Recalculations, as people and the changes that they make ask for them: one for a cycle at a time. */
import type { Tx } from '../database/session.ts';
import type { ServiceContext } from './context.ts';

export interface CycleToCalculate {
  readonly contractId: string;
  readonly cycleStart: string;
  /** Code of the customer. */
  readonly customer: string;
  readonly by: string;
}

/** Resolves to the chain, which may be one that was asked for before and has not ended. */
export async function openRecalculation(
  tx: Tx | ServiceContext['database'],
  enqueue: ServiceContext['enqueue'],
  { contractId, cycleStart, customer, by }: CycleToCalculate,
): Promise<string> {
  const input = { contractId, cycleStart, requestedBy: by };
  const { chainId } = await enqueue(tx, 'totals-recalculate', input, {
    subject: `${customer}/${cycleStart}`,
    requestedBy: by,
    uniqueKey: `totals-recalculate/${contractId}/${cycleStart}`,
  });
  return chainId;
}
