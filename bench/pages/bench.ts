/**
 * `npm run bench -- pages [--pages 56] [--records 900] [--older 200000]`: an API's pages merged into the records of a contract,
 * all of them at once, as an import does, and each by itself, as it was done before; each in a database of its own, in one
 * transaction, and beside so many older records of that contract. Windows of pages overlap by a page. Then the same pages once
 * more, which changes nothing. Both ways must leave the same records.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import { mergeRecords } from '../../src/totals/merge-records.ts';
import type { FileToMerge } from '../../src/totals/merge-stage.ts';
import { machine } from '../chains/machine.ts';
import { startServers } from '../chains/servers.ts';

const ways = ['each', 'together'] as const;
const cycles = ['2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01'];
/** Pages of a window. */
const window = 19;

interface Sizes {
  readonly pages: number;
  readonly records: number;
  readonly older: number;
}

export async function benchPages(args: readonly string[]): Promise<void> {
  const sizes = options(args);
  const directory = mkdtempSync(join(tmpdir(), 'lk-pages-'));
  const servers = await startServers({ redis: false });
  const table = new Table({ head: ['merged', 'run', 'ms', 'server CPU ms'], style: { head: [], border: [] } });
  const left = new Set<string>();
  try {
    for (const way of ways) {
      await servers.admin.query(`create database ${way}`);
      await migrate(servers.urlOf(way));
      const database = openDatabase(servers.urlOf(way), { applicationName: 'bench', max: 2 });
      try {
        const { contractId, files } = await fill(database, directory, sizes);
        for (const run of ['first', 'again']) {
          const cpu = servers.cpuMs();
          const started = performance.now();
          await database.transaction(async (tx) => {
            for (const group of way === 'together' ? [files] : files.map((file) => [file]))
              await mergeRecords(tx, contractId, group);
          });
          const result = { ms: Math.round(performance.now() - started), cpuMs: Math.round(servers.cpuMs() - cpu) };
          console.log(JSON.stringify({ bench: 'pages', way, run, ...sizes, ...result, machine: machine() }));
          table.push([way, run, result.ms, result.cpuMs]);
        }
        left.add(await digestOf(database));
      } finally {
        await database.close();
      }
    }
    console.log(table.toString());
    if (left.size !== 1) throw new Error('pages merged together left other records than pages merged one by one');
  } finally {
    await servers.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function options(args: readonly string[]): Sizes {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: { pages: text('56'), records: text('900'), older: text('200000') },
  });
  const whole = (name: keyof typeof values, least: number) => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`--${name} must be a whole number from ${least} on, not ${values[name]}`);
    return value;
  };
  return { pages: whole('pages', 1), records: whole('records', 1), older: whole('older', 0) };
}

const contract = `
  with customer as (insert into customer (code, name, hash_key) values ('C001', 'Bench', '\\x00') returning id)
  insert into contract (customer_id, provider, account_no) select id, 'T_MOBILE', '0000000301' from customer returning id`;
const profile = `
  insert into sync_profile (name, contract_id, sync_type, transport) values ('pages', $1, 'T_MOBILE', '{}') returning id`;
const rawFiles = `
  insert into raw_file (contract_id, profile_id, version, name, sha256, bytes, logical_key, state)
  select $1, $2, 1, 'page ' || n, sha256(int4send(n)), 1, 'page ' || n, 'received' from generate_series(0, $3::int) n returning id`;
const older = `
  insert into cdr (contract_id, cycle_start, raw_file_id, line_no, late, record_key, version, state, correction, content_hash, msisdn,
    kind, call_code, category, b_prefix, b_masked, started_at, local_start, ambiguous, shifted, usage_s, usage_octets, usage_count,
    provider_amount_e8, vat_code, in_bundle)
  select $1, ($3::date[])[1 + n % 4], $2, n, false, convert_to('older-' || n, 'UTF8'), 1, 'active', ' ', n, '31612345678',
    'voice', 'VOICE', 'national-mobile', '3161234', '+3161234****', '2026-01-01', '2026-01-01', false, false, 60, 0, 1, 12000000,
    '21', false
  from generate_series(1, $4::int) n`;

async function fill(database: Database, directory: string, { pages, records, older: count }: Sizes) {
  const [{ id: contractId }] = (await database.query(contract)) as [{ id: string }];
  const [{ id: profileId }] = (await database.query(profile, [contractId])) as [{ id: string }];
  const [first, ...ids] = (await database.query<{ id: string }>(rawFiles, [contractId, profileId, pages])).map(
    (row) => row.id,
  );
  await database.transaction((tx) =>
    ensureCycles(tx, { id: contractId, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, cycles),
  );
  await database.query(older, [contractId, first, cycles, count]);
  const files = ids.map((rawFileId, page): FileToMerge => {
    const spoolPath = join(directory, `${page}.copy`);
    const from = (page - Math.floor(page / window)) * records;
    writeFileSync(spoolPath, Array.from({ length: records }, (_, line) => spoolRow(from + line, line + 1)).join(''));
    return { rawFileId, logicalKey: `page ${page + 1}`, version: 1, fileCycle: cycles[0]!, spoolPath, rows: records };
  });
  return { contractId, files };
}

function spoolRow(record: number, line: number): string {
  const key = `\\\\x${Buffer.from(`CALVI-${record}`).toString('hex')}`;
  const hash = `\\\\x${String(record).padStart(64, '0')}`;
  const day = `${cycles[record % 3]!.slice(0, 8)}${String(1 + (record % 28)).padStart(2, '0')}`;
  const what = [line, key, '\\N', ' ', record * 7919, cycles[record % 3], `316${10_000_000 + (record % 600)}`, 'voice'];
  const whom = ['VOICE', 'national-mobile', hash, '3161234', '+3161234****', '\\N', `${day} 10:00:00+01`];
  return `${[...what, ...whom, `${day} 10:00:00`, 'f', 'f', 60, 0, 1, 12_000_000, '21', 'f', 1].join('\t')}\n`;
}

async function digestOf(database: Database): Promise<string> {
  const [row] = await database.query<{ digest: string }>(
    `select md5(string_agg(concat_ws(' ', encode(record_key, 'hex'), cycle_start, version, state, raw_file_id, line_no, late), ','
       order by record_key, version)) as digest from cdr`,
  );
  return row!.digest;
}
