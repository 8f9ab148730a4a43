/**
 * A simulated world, and databases that already know its tariffs and customers: made once, then copied as PostgreSQL
 * copies a template.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyCustomers } from '../../src/customers/apply.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { loadZoneSets } from '../../src/totals/zone-store.ts';
import { admin, startTestServer, type TestServer } from './database.ts';

/** A fallback must be there before the tariff that names it. */
export function tariffsOf(directory: string): unknown[] {
  const tariffs = readdirSync(join(directory, 'tariffs')).map((name) => documentIn(directory, `tariffs/${name}`));
  const fallsBack = (tariff: unknown) => Number(JSON.stringify(tariff).includes('"fallback"'));
  return tariffs.sort((a, b) => fallsBack(a) - fallsBack(b));
}

/** A provider's zones must be there before a tariff that names them. */
export function zonesOf(directory: string): unknown[] {
  const zones = join(directory, 'zones');
  return existsSync(zones) ? readdirSync(zones).map((name) => documentIn(directory, `zones/${name}`)) : [];
}

export function documentIn(directory: string, path: string): unknown {
  return JSON.parse(readFileSync(join(directory, path), 'utf8'));
}

const root = join(import.meta.dirname, '..', '..');

export interface World {
  readonly directory: string;
  readonly truthPath: string;
  /** A fresh database with the world's tariffs and customers. */
  database(): Promise<string>;
  close(): Promise<void>;
}

/** `flags` of the simulator, such as `['--records', '2000']`. */
export async function makeWorld(flags: readonly string[]): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'world-'));
  execFileSync(process.execPath, [join(root, 'simulator/main.ts'), '--out', directory, ...flags], { stdio: 'pipe' });
  const shared = process.env.LINEKEEPER_TEST_DATABASE_URL;
  const server: TestServer | null = shared ? null : await startTestServer();
  const adminUrl = shared ?? server!.url;
  const template = `world_${randomBytes(6).toString('hex')}`;
  const made: string[] = [];
  let copied: Promise<void> = Promise.resolve();
  const urlOf = (name: string) => adminUrl.replace('/postgres?', `/${name}?`);
  await admin(adminUrl, `create database ${template}`);
  await fill(urlOf(template), directory);
  return {
    directory,
    truthPath: join(directory, 'truth.json'),
    database() {
      const name = `${template}_${made.length}`;
      made.push(name);
      // one after the other: a template must not be in use
      copied = copied.then(() => admin(adminUrl, `create database ${name} template ${template}`));
      return copied.then(() => urlOf(name));
    },
    async close() {
      for (const name of [...made, template]) await admin(adminUrl, `drop database if exists ${name} with (force)`);
      await server?.stop();
    },
  };
}

async function fill(url: string, directory: string): Promise<void> {
  await migrate(url);
  const database = openDatabase(url, { applicationName: 'world', max: 1 });
  await database.transaction(async (tx) => {
    for (const zones of zonesOf(directory)) await loadZoneSets(tx, zones);
    for (const tariff of tariffsOf(directory)) await loadTariff(tx, tariff);
    await applyCustomers(tx, documentIn(directory, 'customers.json'));
    // no schedule of its own: a test says when a sync runs
    await tx.query(`update sync_profile set next_due = now() + interval '1 hour'`);
  });
  await database.close();
}
