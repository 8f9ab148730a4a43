/** How many chains are open: ready, running, timed or blocked, counted by their partial indexes and not by the table. */
import { type Database, PoolBusyError } from '../database/session.ts';
import type { WorkingDatabase } from '../node/resources.ts';

const countOpen = `
  select (select count(*) from chain where state = 'ready') + (select count(*) from chain where state = 'running')
       + (select count(*) from chain where state = 'timer') + (select count(*) from chain where state = 'blocked') as open`;

interface CountLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

/** Null when the database cannot say now. Never rejects: a number for a status line is worth no restart. */
export async function countOpenChains(
  database: Pick<Database, 'query'>,
  availability: Pick<WorkingDatabase, 'report'>,
  log: CountLog,
): Promise<number | null> {
  try {
    const [row] = await database.query<{ open: string }>(countOpen);
    return Number(row!.open);
  } catch (error) {
    if (!(error instanceof PoolBusyError) && !availability.report(error)) {
      log.warn({ error }, 'the open chains could not be counted');
    }
    return null;
  }
}
