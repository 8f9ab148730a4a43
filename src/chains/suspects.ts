/**
 * Suspects: chains that were running when their process died (engine.md, "Leases and recovery"). The nodes leave them alone;
 * one of them starts a process that runs nothing else, one at a time, so that what kills processes kills that one and is
 * quarantined, while everything else goes on. A step that gets through is a suspect no more.
 */
import type { Database } from '../database/session.ts';

export interface Suspects {
  /** Some wait or run. */
  readonly any: boolean;
  /** A live node that runs only suspects is there already. */
  readonly served: boolean;
}

export async function lookForSuspects(database: Pick<Database, 'query'>): Promise<Suspects> {
  const [row] = await database.query<{ any: boolean; served: boolean }>(look);
  return row!;
}

/** The process has ended, seen by who started it: its chains need not wait for its lease. */
export async function declareEnded(database: Pick<Database, 'query'>, host: string, pid: number): Promise<void> {
  await database.query(declare, [host, pid]);
}

const look = `
  select exists (select from chain
                 where suspect > 0 and state in ('ready', 'concurrency', 'running')
                   and (state <> 'running' or exists (select from node n where n.id = chain.owner and n.suspects))) as any,
         exists (select from node
                 where suspects and state in ('live', 'draining')
                   and beat_at > now() - make_interval(secs => lease_ms / 1000.0)) as served`;

const declare = `
  update node set state = 'dead' where suspects and host = $1 and pid = $2 and state in ('live', 'draining')`;
