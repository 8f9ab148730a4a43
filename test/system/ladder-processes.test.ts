/**
 * The rungs of the ladder that belong to several processes, on a real systemd: the primary is the unit's main process, its
 * nodes are processes below it, and PostgreSQL's keeper is its child. What systemd recorded is asserted, and that rows moved
 * afterwards. What was switched off to see each red is said at the rung.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ProcessView } from '../../src/admin/views.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import type { ActorSnapshot } from '../../supervisors/types.ts';
import { bootPackaged, type Packaged } from '../support/packaged.ts';
import { call, until } from '../support/service.ts';

const unit = 'linekeeper.service';
let packaged: Packaged;
let rows: Database;
before(async () => {
  packaged = await bootPackaged(1);
  rows = openDatabase(packaged.databases[0]!.url, { applicationName: 'ladder', max: 3, onError: () => {} });
  packaged.machine.must('systemctl', 'add-wants', 'test.target', unit);
  packaged.dropIn(unit, 'times', [
    'RestartSec=200ms',
    'Environment=LINEKEEPER_NODE=/opt/linekeeper/node/bin/node LINEKEEPER_CRASH_LOOP_BASE_MS=0 LINEKEEPER_PROCESSES=2',
    'Environment=LINEKEEPER_CHAINS_LEASE_MS=900 LINEKEEPER_CHAINS_BEAT_MS=200 LINEKEEPER_COMPUTE_THREADS=2',
  ]);
  packaged.dropIn(unit, 'zz-database', [`Environment=DATABASE_URL=${packaged.url(0)}`]);
  packaged.start(unit);
});
after(async () => {
  await rows?.close();
  await packaged?.stop();
});

const show = () => packaged.machine.show(unit, 'MainPID', 'ActiveState', 'NRestarts', 'Result', 'ExecMainStatus');
const socket = () => packaged.machine.seen('/run/linekeeper/admin.sock');
const processes = () => call<ProcessView[]>(socket(), 'GET', '/processes');
/** The kernel's own pids: the process ids that the service knows are those inside. */
const kill = (pid: number | string) => packaged.machine.must('kill', '-KILL', String(pid));

let slots = 0;
/** Opens a chain by a schedule that is due; resolves to its id as soon as it is there. */
async function openChain(): Promise<string> {
  slots += 1;
  await rows.query(
    `insert into schedule (name, cron, chain, next_due_at, catch_up, overlap)
     values ($1, '0 0 1 1 *', 'sync-manager', date_trunc('minute', now()) - interval '1 minute', 'last', 'allow')`,
    [`rung-${slots}`],
  );
  return until('the schedule to fire', async () => {
    const [slot] = await rows.query<{ chain_id: string }>('select chain_id from schedule_slot where schedule = $1', [
      `rung-${slots}`,
    ]);
    return slot?.chain_id;
  });
}

async function succeeded(chainId: string): Promise<void> {
  await until(`chain ${chainId} to succeed`, async () => {
    const [chain] = await rows.query<{ state: string }>('select state from chain where id = $1', [chainId]);
    return chain?.state === 'succeeded';
  });
}

const rowsMove = async () => succeeded(await openChain());

const allReady = () =>
  until('all node processes to be ready', async () => {
    const all = await processes().catch(() => []);
    return all.length === 2 && all.every(({ state }) => state === 'ready') && all;
  });

// red with Restart=no in a drop-in: the unit stays failed
test('kill -9 of the primary: nodes end with it, systemd starts all of it again, and rows move', async () => {
  const before = show();
  const nodes = (await allReady()).map(({ pid }) => pid);
  await rowsMove();
  packaged.machine.must('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
  await until('systemd to start it again', async () => {
    const { ActiveState, MainPID } = show();
    return ActiveState === 'active' && MainPID !== before.MainPID;
  });
  assert.equal(Number(show().NRestarts), Number(before.NRestarts) + 1);
  assert.match(packaged.machine.run('cat', '/var/lib/linekeeper/exits.log').stdout, /signal: killed KILL/);
  for (const { pid } of await allReady()) assert.ok(!nodes.includes(pid));
  await rowsMove();
});

// red without the actor of the process hearing of its end: it stays away
test('kill -9 of a node process: the primary starts it again, systemd has nothing to do, and rows move', async () => {
  const before = show();
  const [first, second] = await allReady();
  kill(first!.pid!);
  await until('it to be back', async () => {
    const [now] = await processes();
    return now!.state === 'ready' && now!.pid !== first!.pid;
  });
  assert.equal((await processes())[1]!.pid, second!.pid);
  await rowsMove();
  const now = show();
  assert.deepEqual([now.MainPID, now.NRestarts], [before.MainPID, before.NRestarts]);
});

// red with KillMode=control-group and TimeoutStopSec=1: SIGKILL in the midst of it, Result=timeout
test('a stop with a commit going on waits for it: exit 0, no attempt burned, the effect there once', async () => {
  const client = rows.transaction(async (tx) => {
    await tx.query('lock table step_log in exclusive mode');
    const chain = await openChain();
    await until('its commit to be going on', async () => {
      const [waiting] = await rows.query<{ n: number }>(
        `select count(*)::int as n from pg_locks l join pg_class c on c.oid = l.relation
         where c.relname = 'step_log' and not l.granted`,
      );
      const [row] = await rows.query<{ state: string }>('select state from chain where id = $1', [chain]);
      return row?.state === 'running' && waiting!.n > 0;
    });
    packaged.machine.must('systemctl', 'stop', '--no-block', unit);
    await until('the stop to have begun', async () => show().ActiveState === 'deactivating');
    return chain;
  });
  const chain = await client;
  await until('it to have stopped', async () => show().ActiveState === 'inactive');
  const { Result, ExecMainStatus } = show();
  assert.deepEqual([Result, ExecMainStatus], ['success', '0']);
  const tries = await rows.query(
    `select outcome, attempt from step_log where chain_id = $1 and outcome in ('succeeded', 'crashed', 'recovered')`,
    [chain],
  );
  assert.ok(
    tries.every(({ outcome, attempt }) => outcome === 'succeeded' && attempt === 1),
    JSON.stringify(tries),
  );
  packaged.start(unit);
  await succeeded(chain);
  const once = await rows.query(`select step from step_log where chain_id = $1 and outcome = 'succeeded'`, [chain]);
  assert.equal(new Set(once.map(({ step }) => step)).size, once.length);
});

// red without adoption of an orphan: PostgreSQL has another pid
test("kill -9 of PostgreSQL's keeper: its server is adopted, the primary goes on, and rows move", async () => {
  packaged.machine.must('systemctl', 'stop', unit);
  packaged.dropIn(unit, 'zz-database', null);
  packaged.machine.must('rm', '-rf', '/var/lib/linekeeper/archive');
  packaged.start(unit);
  await allReady();
  const postgres = async () => {
    const tree = await call<ActorSnapshot>(socket(), 'GET', '/tree');
    const find = (node: ActorSnapshot): ActorSnapshot | undefined =>
      node.path === 'infrastructure/postgres' ? node : node.children.map(find).find((one) => one !== undefined);
    return find(tree)?.about as { pid: number; keeperPid: number; adopted: boolean } | null;
  };
  const before = show();
  const owned = (await postgres())!;
  kill(owned.keeperPid);
  const adopted = await until('a new keeper', async () => {
    const now = await postgres();
    return now && now.keeperPid !== owned.keeperPid && now;
  });
  assert.deepEqual([adopted.pid, adopted.adopted], [owned.pid, true]);
  const since = performance.now();
  await until('every node to have proved its work since', async () =>
    (await processes()).every(
      ({ provenMsAgo, status }) => /^working/.test(status!) && provenMsAgo! < performance.now() - since,
    ),
  );
  const now = show();
  assert.deepEqual([now.MainPID, now.NRestarts], [before.MainPID, before.NRestarts]);
});
