/**
 * Shared commits: callbacks of steps that say `shared: true` run together, up to 128 in one transaction, all started at
 * once on one pipelined session, behind the fences of all their chains, which are locked first and in id order. Then one
 * statement moves all the rows, and one COMMIT makes all of it durable.
 *
 * There are no savepoints (they halve the throughput). When a callback fails the transaction is rolled back as a whole: the
 * first to fail is `alone` (it runs again in a transaction of its own, which tells whether it really fails), the others run
 * again together. A connection error or a deadlock rejects all of them; each then asks the log. So a callback may run more
 * than once, and its writes are there once.
 */
import type { Database, Tx } from '../database/session.ts';
import { isConnectionError } from '../database/session.ts';
import type { CallbackResult } from './callback.ts';
import { endStep } from './children.ts';
import { type Gathered, gathering } from './gathering.ts';
import { type Completed, type Completion, compareIds, lockMany, moveAll } from './group-sql.ts';
import { isTransient } from './patience.ts';

/** `alone`: it has to be completed by itself. */
export type Shared = Completed | null | 'alone';

export interface SharedCompletion extends Completion {
  /** Resolves to the output that replaces the handler's, or null. The signal ends the transaction of all. */
  readonly callback: (tx: Tx, deadline: AbortController) => Promise<CallbackResult>;
  /** A test may stop the world here. */
  readonly beforeCommit: () => Promise<void> | void;
}

export interface SharedCommit {
  complete(completion: SharedCompletion): Promise<Shared>;
}

type Waiting = Gathered<SharedCompletion, Shared>;

class OneFailed extends Error {
  readonly culprit: Waiting;
  constructor(culprit: Waiting, cause: unknown) {
    super('one of the callbacks of a shared transaction failed', { cause });
    this.culprit = culprit;
  }
}

export function createSharedCommit(
  sessions: Pick<Database, 'transaction'>,
  bootId: string,
  onParents: (ids: readonly string[]) => void,
): SharedCommit {
  const complete = gathering<SharedCompletion, Shared>({ largest: 128, atOnce: 2, write: commit });

  /** Never rejects. */
  async function commit(group: readonly Waiting[]): Promise<void> {
    if (group.length === 0) return;
    const sorted = group.toSorted((a, b) => compareIds(a.item, b.item));
    try {
      const { completed, parents } = await inOneTransaction(sorted);
      onParents(parents);
      for (const { item, resolve } of sorted) resolve(completed.get(item.run.chain.chainId) ?? null);
    } catch (error) {
      const cause = error instanceof OneFailed ? error.cause : error;
      if (isConnectionError(cause) || isTransient(cause)) {
        for (const { reject } of sorted) reject(cause);
      } else if (error instanceof OneFailed) {
        error.culprit.resolve('alone');
        await commit(sorted.filter((one) => one !== error.culprit));
      } else {
        // the statement that moves them: whose outcome it is about shows when each is alone
        for (const { resolve } of sorted) resolve('alone');
      }
    }
  }

  function inOneTransaction(
    group: readonly Waiting[],
  ): Promise<{ completed: Map<string, Completed>; parents: string[] }> {
    const deadline = new AbortController();
    const work = async (tx: Tx) => {
      const column = <T>(value: (completion: Completion) => T) => group.map(({ item }) => value(item));
      const fences = [bootId, column(({ run }) => run.chain.chainId), column(({ run }) => run.chain.token)];
      const locked = new Set((await tx.query<{ id: string }>(lockMany, fences)).map(({ id }) => id));
      const mine = group.filter(({ item }) => locked.has(item.run.chain.chainId));
      let failure: OneFailed | null = null;
      const outputs = await Promise.all(
        mine.map(async (one) => {
          try {
            return await one.item.callback(tx, deadline);
          } catch (error) {
            // what fails after the first fails because of it (25P02)
            failure ??= new OneFailed(one, error);
            return null;
          }
        }),
      );
      if (failure) throw failure as OneFailed;
      const completions = mine.map(({ item }, at) => ({
        ...item,
        output: outputs[at]?.output ?? item.output,
        children: outputs[at]?.children ?? 0,
        // a chain whose step was its last goes on to end after the join
        nextStep: outputs[at]?.children ? (item.nextStep ?? endStep) : item.nextStep,
      }));
      const { moved, parents } = await moveAll(tx, bootId, completions);
      for (const { item } of mine) await item.beforeCommit();
      const completed = new Map<string, Completed>();
      for (const [at, { run, output }] of completions.entries()) {
        const row = moved[at];
        if (row) completed.set(run.chain.chainId, { ...row, output });
      }
      return { completed, parents };
    };
    return sessions.transaction(work, { signal: deadline.signal });
  }

  return { complete };
}
