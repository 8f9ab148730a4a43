/**
 * DuckDB, in memory, at the fastest that was found (RESULTS.md says what was tried): the file once into a temporary table of the
 * columns that count, whose rowid is the order of the file; the few ids that occur twice; and each distinct beginning of seven
 * digits looked up once (ASOF join over intervals) instead of every record. Exact types; wrong records are left out by the
 * reader (`ignore_errors`), whose every checked column is selected.
 */
import { loadPeer } from '../../peer-packages.ts';
import type { Contender, ContenderOptions, TotalRow } from '../contender.ts';
import { rulePrices } from '../tariff.ts';
import { readFile, totals } from './duckdb-sql.ts';

interface Connection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getRows(): (string | number | bigint)[][] }>;
  closeSync(): void;
}
interface DuckDb {
  DuckDBInstance: {
    create(
      path: string,
      options: Record<string, string>,
    ): Promise<{ connect(): Promise<Connection>; closeSync(): void }>;
  };
}

export async function open({ path, work, threads }: ContenderOptions): Promise<Contender> {
  const { DuckDBInstance } = await loadPeer<DuckDb>('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) });
  const connection = await instance.connect();
  await connection.run(`create type kinds as enum ('voice', 'sms')`);
  await connection.run(intervals());
  const read = readFile(path);
  const sum = totals(work);
  return {
    async run(): Promise<TotalRow[]> {
      await connection.run(read);
      const rows = (await connection.runAndReadAll(sum)).getRows();
      return rows.map(([subscriber, kind, ...sums]) => {
        const [records, unrated, usage, amountE8, chargeE8] = sums.map(BigInt);
        const row = { records: records!, unrated: unrated!, usage: usage!, amountE8: amountE8!, chargeE8: chargeE8! };
        return { subscriber: BigInt(subscriber!), kind: String(kind), ...row };
      });
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Where the longest prefix of seven digits changes, and its prices; the flat ones and those of the full rules. */
function intervals(): string {
  const list = rulePrices();
  const byPrefix = new Map(list.map((each) => [each.prefix, each]));
  const bounds = new Set([0]);
  for (const { prefix } of list) {
    const scale = 10 ** (7 - prefix.length);
    bounds.add(Number(prefix) * scale);
    bounds.add((Number(prefix) + 1) * scale);
  }
  const rows = [...bounds].map((bound) => {
    const digits = String(bound).padStart(7, '0');
    let found = null;
    for (let length = 7; length > 0 && !found; length -= 1) found = byPrefix.get(digits.slice(0, length)) ?? null;
    if (!found) return `(${bound}, null, null, null, null, null, null, null, null)`;
    const { minuteE8, connectE8, messageE8 } = found;
    const values = [minuteE8[0][0] / 4, messageE8, ...connectE8, ...minuteE8[0], ...minuteE8[1]];
    return `(${bound}, ${values.join(', ')})`;
  });
  const columns = 'bound, voice, sms, connect_peak, connect_off, peak_1, peak_2, off_1, off_2';
  return `create table interval_price as
    select ${columns.split(', ').map((name) => `${name}::${name === 'bound' ? 'integer' : 'bigint'} as ${name}`)}
    from (values ${rows.join(', ')}) as v (${columns})`;
}
