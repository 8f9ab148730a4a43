/**
 * A `Database` that can be handed out before its server is known: until `use` is called every call is refused with
 * `DatabaseDownError`, exactly as if the server were down, so that whoever holds it waits that out the same way.
 */
import { type Database, DatabaseDownError } from './session.ts';

export interface LateDatabase extends Database {
  use(database: Database): void;
}

export function lateDatabase(): LateDatabase {
  let current: Database | null = null;
  const known = (): Database => {
    if (!current) throw new DatabaseDownError('the database has not been started yet');
    return current;
  };
  return {
    use(database) {
      current = database;
    },
    query: async (text, values) => known().query(text, values),
    transaction: async (work, options) => known().transaction(work, options),
    read: async (work, options) => known().read(work, options),
    status: () => current?.status() ?? { total: 0, idle: 0, waiting: 0 },
    abandon: (reason) => current?.abandon(reason),
    close: async () => current?.close(),
  };
}
