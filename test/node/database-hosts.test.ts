/** What a node opens, on a primary and its standby: everything moves in the same moment, and people hear of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { DatabaseDownError } from '../../src/database/session.ts';
import { createLog } from '../../src/log/log.ts';
import { openResources } from '../../src/node/resources.ts';
import { type Pair, startPair } from '../support/replica.ts';
import { until } from '../support/service.ts';

const directory = mkdtempSync(join(tmpdir(), 'moving-'));
let pair: Pair;
before(async () => {
  pair = await startPair({ synchronous: false });
});
after(async () => {
  await pair.close();
  rmSync(directory, { recursive: true, force: true });
});

test('when a standby was promoted, all leave the old primary at once though it lives, and the schema counts as unprepared', async () => {
  const overrides = { stateDirectory: directory, database: { url: pair.url } };
  const config = loadConfig({ env: {}, cwd: directory, overrides });
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  const resources = await openResources(config, {}, log);
  try {
    resources.useDatabase(pair.url);
    await resources.availability.whenUp();
    resources.markPrepared();
    const engine = resources.openEngineDatabase({ applicationName: 'engine', max: 1 });
    const sleeping = [resources.database, engine].map((database) =>
      assert.rejects(database.query('select pg_sleep(60)'), DatabaseDownError),
    );
    await until('both to sleep', async () => {
      const [row] = await resources.database.query(
        `select count(*)::int as n from pg_stat_activity where wait_event = 'PgSleep'`,
      );
      return row!.n === 2;
    });
    let moves = 0;
    resources.hosts.onMoved(() => {
      moves += 1;
      assert.equal(resources.isPrepared(), false);
    });
    await pair.standby.promote();
    resources.availability.look();
    await Promise.all(sleeping);
    assert.equal(moves, 1);
    assert.equal(resources.working.isUp(), false);
    const [row] = await resources.database.query(`select current_setting('unix_socket_directories') as at`);
    assert.equal(row!.at, pair.standby.host);
    // of the engine's life before the move nothing reaches the new host
    await assert.rejects(engine.query('select 1'), /moved to another host/);
    await engine.close();
    const alerts = lines.flatMap((line) => (JSON.parse(line) as { alert?: string }).alert ?? []);
    assert.deepEqual(alerts, ['database.moved', 'database.old-primary']);
  } finally {
    await resources.close(2_000);
  }
});
