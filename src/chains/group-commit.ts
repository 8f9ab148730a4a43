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
import { type Completed, type Completion, compareIds, isChild, isLinked, moveAll } from './group-sql.ts';

export interface GroupCommit {
  complete(completion: Completion): Promise<Completed | null>;
}

/** `onParents` hears of parents that their last child made ready. */
export function createGroupCommit(
  engine: Pick<Database, 'query' | 'transaction'>,
  bootId: string,
  onParents: (ids: readonly string[]) => void,
): GroupCommit {
  async function moved(completions: readonly Completion[]): Promise<(Completed | null)[]> {
    const ends = completions.some(({ run, nextStep }) => nextStep === null && isChild(run));
    const written = ends
      ? await engine.transaction((tx) => moveAll(tx, bootId, completions))
      : await moveAll(engine, bootId, completions);
    onParents(written.parents);
    return written.moved;
  }

  const group = () =>
    gathering<Completion, Completed | null>({
      largest: 500,
      atOnce: 2,
      write: (together) =>
        halving(
          together.toSorted((a, b) => compareIds(a.item, b.item)),
          moved,
        ),
    });
  const plain = group();
  // apart, so that chains that have to do with others cost those that have not nothing
  const linked = group();
  return { complete: (completion) => (isLinked(completion) ? linked(completion) : plain(completion)) };
}
