/**
 * The database as the doors see it: until this release's schema is in place a call is refused as if the database were away,
 * which it is for every purpose. Without it the first requests of a new installation met tables that were not there yet.
 */
import { type Database, DatabaseDownError } from '../database/session.ts';

export function whenPrepared(database: Database, isPrepared: () => boolean): Database {
  const check = () => {
    if (!isPrepared()) throw new DatabaseDownError('the schema is being prepared');
  };
  return {
    ...database,
    async query(text, values) {
      check();
      return database.query(text, values);
    },
    async transaction(work, options) {
      check();
      return database.transaction(work, options);
    },
    async read(work, options) {
      check();
      return database.read(work, options);
    },
  };
}
