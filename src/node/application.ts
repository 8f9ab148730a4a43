/**
 * Who this installation is to whatever several could share, such as a Redis: the uuid of its archive with the identifier of
 * its database cluster. A copy of the database elsewhere is another application; a standby that took over is the same.
 */
import type { Database } from '../database/session.ts';
import type { Application } from '../signals/prefix-owner.ts';

const readApplication = `
  select i.archive_id || '.' || c.system_identifier as id, current_database() as database, host(inet_server_addr()) as host
  from installation i, pg_control_system() c`;

/** The schema must be in place and the archive claimed. `host` is said when the database is on this machine. */
export async function readApplicationId(database: Pick<Database, 'query'>, host: string): Promise<Application> {
  const [row] = await database.query<{ id: string; database: string; host: string | null }>(readApplication);
  if (!row) throw new Error('the database does not know its archive yet');
  return { id: row.id, about: `database ${row.database} at ${row.host ?? host}` };
}
