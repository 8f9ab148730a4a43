/**
 * Group commit: completions without a callback that gathered while the last commits ran go in one statement. With little to
 * do a completion is committed at once and alone; under load up to 500 share a round trip, a plan and a flush of the log.
 * Two commits may be under way, so that PostgreSQL is never waiting for us.
 *
 * `complete` resolves to what became of the row, null when its fence was missed, and rejects like a statement of its own:
 * a connection error for everybody in the group (each then asks the log), a refusal by PostgreSQL only for the one that it
 * is about.
 */
import type { Database } from '../database/session.ts';
import { gathering, halving } from './gathering.ts';
import { type Completed, type Completion, columnsOf, compareIds, moveMany } from './group-sql.ts';

export interface GroupCommit {
  complete(completion: Completion): Promise<Completed | null>;
}

export function createGroupCommit(engine: Pick<Database, 'query'>, bootId: string): GroupCommit {
  const complete = gathering<Completion, Completed | null>({
    largest: 500,
    atOnce: 2,
    write: (group) =>
      halving(
        group.toSorted((a, b) => compareIds(a.item, b.item)),
        moved,
      ),
  });

  async function moved(completions: readonly Completion[]): Promise<(Completed | null)[]> {
    const rows = await engine.query<Completed & { id: string }>(moveMany, [bootId, ...columnsOf(completions)]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return completions.map(({ run }) => byId.get(run.chain.chainId) ?? null);
  }

  return { complete };
}
