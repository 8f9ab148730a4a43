/** A process that looks at what is due and is killed between its first written alert and its commit. The database's URL is its argument. */
import { lookAtSwaps } from '../../src/alert-rules/evaluate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database, Tx } from '../../src/database/session.ts';

const database = openDatabase(process.argv[2]!, { applicationName: 'dying' });
const watched = (tx: Tx): Tx => ({
  ...tx,
  query: async (text, values) => {
    const rows = await tx.query(text, values);
    if (text.includes('insert into alert ')) process.kill(process.pid, 'SIGKILL');
    return rows as never;
  },
});
const dying: Database = { ...database, transaction: (work) => database.transaction((tx) => work(watched(tx))) };
await lookAtSwaps(dying, { raise() {}, resolve() {} });
// not reached: it ends by a signal or the test fails
process.exit(3);
