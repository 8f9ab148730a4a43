/**
 * What a chain's row may do, as SQL over its columns: the same words in every statement that starts, moves or counts chains.
 */

/** A pause `p` holds now. */
export const holdsNow = '(p.until is null or p.until > now())';

/** True for a chain name (an SQL expression) that a pause covers now. */
export function isPaused(chainName: string): string {
  return `exists (select from pause p where ${holdsNow} and (p.chain_names is null or ${chainName} = any (p.chain_names)))`;
}

/** True for a chain at a step whose breaker is open, unless it is the one that may try; SQL expressions of its row, qualified. */
export function isBroken(name: string, step: string, id: string): string {
  return `exists (select from breaker b where b.chain = ${name} and b.step = ${step} and b.probe_chain_id is distinct from ${id})`;
}

/** What an open chain becomes that may run now: one with a concurrency key waits for its slot. */
export function mayRunNow(row: string): string {
  return `(case when ${row}.slot_key is null then 'ready' else 'concurrency' end)::chain_state`;
}

/** Whether a child in this state counts at its parent's join. A cancelled one a person has decided about. */
export function counts(row: string): string {
  return `(${row}.state in ('succeeded', 'cancelled')
           or (${row}.state in ('failed', 'dead', 'quarantined') and ${row}.on_child_failure <> 'wait'))`;
}
