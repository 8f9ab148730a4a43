/**
 * Fan-out: a step's completing transaction opens child chains and leaves the chain waiting for them; and what the step
 * after the join sees of them. The rows are in join-sql.ts.
 */
import { childTraceparent } from '../../otel/traceparent.ts';
import type { Database, ReadSession, Tx } from '../database/session.ts';
import type { ChildChain, ChildResult } from './define.ts';
import { checkNew, columnsOf } from './enqueue.ts';
import { arraysOf, insertLinked } from './group-enqueue.ts';
import type { AnyDefinition, Registry } from './registry.ts';
import type { Run } from './run.ts';

/** The step of a chain whose last step opened children: the engine's own, which ends it. No step can have this name. */
export const endStep = '.end';

const mostChildren = 100_000;
const deepest = 16;
const insertAtOnce = 1_000;

export interface FanOut {
  open(...children: readonly ChildChain[]): void;
  /** Writes them; resolves to how many there are. */
  insert(tx: Tx): Promise<number>;
}

/** Children are checked when they are opened, so that the handler's own line stands in the error. */
export function createFanOut(registry: Registry, run: Run): FanOut {
  const { chain } = run;
  const who = `step ${chain.step} of chain ${chain.name}`;
  const depth = (chain.linked?.depth ?? 0) + 1;
  const rows: unknown[][] = [];

  return {
    open(...children) {
      if (depth > deepest) throw new Error(`${who} opens children ${depth} levels deep; the limit is ${deepest}`);
      if (rows.length + children.length > mostChildren) {
        throw new Error(`${who} opens more than ${mostChildren} children; open some that open the others`);
      }
      for (const one of children) {
        const policy: unknown = one.onChildFailure;
        if (policy !== 'fail' && policy !== 'ignore' && policy !== 'wait') {
          throw new Error(
            `${who} opens a child with onChildFailure ${String(policy)}; say fail, ignore or wait: what becomes of this chain when the child fails`,
          );
        }
        const checked = checkNew(registry, one.chain as AnyDefinition | string, one.input);
        const options = {
          ...(one.subject === undefined ? {} : { subject: one.subject }),
          ...(one.priority === undefined ? {} : { priority: one.priority }),
          traceparent: childTraceparent(run.traceparent),
          requestedBy: `chain ${chain.chainId}`,
        };
        rows.push([...columnsOf(checked, options), checked.slot?.key ?? null, checked.slot?.limit ?? null, policy]);
      }
    },
    async insert(tx) {
      const generation = (chain.linked?.generation ?? 0) + 1;
      for (let at = 0; at < rows.length; at += insertAtOnce) {
        const arrays = arraysOf(rows.slice(at, at + insertAtOnce));
        await tx.query(insertLinked, [...arrays, chain.chainId, chain.token, depth, generation]);
      }
      return rows.length;
    },
  };
}

const resultsAtOnce = 500;

/** In the order in which they were opened. */
export async function* readChildren(
  read: Pick<ReadSession, 'query'>,
  parentId: string,
  joinToken: string | null,
): AsyncGenerator<ChildResult> {
  if (joinToken === null) return;
  let after = '0';
  for (;;) {
    const rows = await read.query<ChildResult & { chainId: string }>(results, [
      parentId,
      joinToken,
      after,
      resultsAtOnce,
    ]);
    yield* rows;
    if (rows.length < resultsAtOnce) return;
    after = rows.at(-1)!.chainId;
  }
}

/** Why the chain fails at its join: how many of its children failed it, and the first of them. */
export async function failedJoin(engine: Pick<Database, 'query'>, run: Run): Promise<string> {
  const { chainId, linked } = run.chain;
  const [first] = await engine.query<{ id: string; name: string; state: string; reason: string | null }>(firstFailed, [
    chainId,
    linked?.joinToken ?? null,
  ]);
  const many = linked?.failedChildren === 1 ? 'a child' : `${linked?.failedChildren} children`;
  const which = first ? `: first chain ${first.id}, ${first.name}, ${first.state}, ${first.reason ?? 'no reason'}` : '';
  return `${many} of it failed${which}`;
}

const results = `
  select id as "chainId", name as chain, subject, state, previous as output, reason
  from chain where parent_id = $1 and parent_token = $2 and id > $3
  order by id limit $4`;

const firstFailed = `
  select id, name, state, reason from chain
  where parent_id = $1 and parent_token = $2 and counted and on_child_failure = 'fail' and state <> 'succeeded'
  order by id limit 1`;
