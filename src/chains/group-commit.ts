/**
 * Group commit: completions without a callback that gathered while the last commits ran go in one statement. There is no
 * timer: with little to do a completion is committed at once and alone, under load up to 500 share a round trip, a plan and
 * a flush of the log. Two commits may be under way, so that PostgreSQL is never waiting for us.
 *
 * `complete` resolves to what became of the row, null when its fence was missed, and rejects like a statement of its own:
 * a connection error for everybody in the group (each then asks the log), a refusal by PostgreSQL (SQLSTATE 22, 23, 54) only
 * for the one that it is about, which is found by halving the group.
 */
import type { Database } from '../database/session.ts';
import { type Completed, type Completion, columnsOf, compareIds, moveMany } from './group-sql.ts';

export interface GroupCommit {
  complete(completion: Completion): Promise<Completed | null>;
}

interface Waiting {
  readonly completion: Completion;
  readonly resolve: (completed: Completed | null) => void;
  readonly reject: (error: unknown) => void;
}

const largest = 500;
const committers = 2;

export function createGroupCommit(engine: Pick<Database, 'query'>, bootId: string): GroupCommit {
  let waiting: Waiting[] = [];
  let running = 0;
  let begun = false;

  /** In the next turn of the loop: what this turn completes goes together. */
  function begin(): void {
    if (begun || running >= committers || waiting.length === 0) return;
    begun = true;
    setImmediate(() => {
      begun = false;
      const group = waiting.slice(0, largest);
      waiting = waiting.slice(largest);
      running += 1;
      void commit(group).finally(() => {
        running -= 1;
        begin();
      });
      begin();
    });
  }

  /** Never rejects. */
  async function commit(group: readonly Waiting[]): Promise<void> {
    const sorted = group.toSorted((a, b) => compareIds(a.completion, b.completion));
    try {
      const rows = await engine.query<Completed & { id: string }>(moveMany, [
        bootId,
        ...columnsOf(sorted.map(({ completion }) => completion)),
      ]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const { completion, resolve } of sorted) resolve(byId.get(completion.run.chain.chainId) ?? null);
    } catch (error) {
      if (sorted.length === 1 || !isRefusal(error)) {
        for (const { reject } of sorted) reject(error);
        return;
      }
      const half = Math.ceil(sorted.length / 2);
      await commit(sorted.slice(0, half));
      await commit(sorted.slice(half));
    }
  }

  return {
    complete: (completion) =>
      new Promise((resolve, reject) => {
        waiting.push({ completion, resolve, reject });
        begin();
      }),
  };
}

/** What a row cannot hold, whoever tries. */
function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^(22|23|54)...$/.test(code);
}
