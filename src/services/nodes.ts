/** The nodes that share this database, by what they registered with. */
import type { Database } from '../database/session.ts';

export interface LiveNode {
  readonly host: string;
  readonly pid: number;
  readonly release: string;
  /** The last migration that its release knows; null when its release does not tell. */
  readonly schema: string | null;
}

/** Those that beat; one that is draining is on its way to another release. */
export function liveNodes(database: Pick<Database, 'query'>): Promise<LiveNode[]> {
  return database.query<LiveNode>(
    `select host, pid, release, schema from node where state = 'live' order by release, schema, host, pid`,
  );
}
