import assert from 'node:assert/strict';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { openDatabase, type PoolOptions } from '../../src/database/pool.ts';
import {
  CommitUnknownError,
  type Database,
  DatabaseDownError,
  isConnectionError,
  PoolBusyError,
} from '../../src/database/session.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';

let server: TestDatabase;
before(async () => {
  server = await emptyDatabase();
  await using(async (database) => {
    await database.query('create table t (n integer primary key, word text, d date, at timestamp)');
  });
});
after(() => server.close());

async function using(
  work: (database: Database) => Promise<void>,
  options: Partial<PoolOptions> = {},
  url = server.url,
) {
  const database = openDatabase(url, { applicationName: 'pool test', max: 1, ...options });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

const pidOf = async (session: Pick<Database, 'query'>) =>
  (await session.query('select pg_backend_pid() as pid'))[0]!.pid as number;

/** Ends a backend from outside. */
async function terminate(pid: number): Promise<void> {
  await using(async (other) => void (await other.query('select pg_terminate_backend($1, 5000)', [pid])));
}

test('a transaction commits what its work wrote and rolls back what it threw', async () => {
  await using(async (database) => {
    await database.transaction((tx) => tx.query(`insert into t values (1, 'kept')`));
    const thrown = new Error('of the work');
    await assert.rejects(
      database.transaction(async (tx) => {
        await tx.query(`insert into t values (2, 'lost')`);
        throw thrown;
      }),
      (error) => error === thrown,
    );
    assert.deepEqual(await database.query('select n from t order by n'), [{ n: 1 }]);
  });
});

test('a statement error keeps its session, a broken one gives the next caller a new session', async () => {
  await using(async (database) => {
    const first = await pidOf(database);
    await assert.rejects(database.query('select nonsense'), (error: Error) => !isConnectionError(error));
    await assert.rejects(
      database.transaction((tx) => tx.query('select 1 / 0')),
      /division by zero/,
    );
    assert.equal(await pidOf(database), first);
    await assert.rejects(
      database.transaction(async (tx) => {
        await terminate(first);
        await tx.query('select 1');
      }),
      DatabaseDownError,
    );
    assert.notEqual(await pidOf(database), first);
  });
});

test('a session that dies while nobody waits on it ends neither the process nor the next call', async () => {
  const heard: Error[] = [];
  await using(
    async (database) => {
      await terminate(await pidOf(database));
      await pidOf(database);
      const work = database.transaction(async (tx) => {
        await terminate(await pidOf(tx));
        return 'work that asked nothing more of the database';
      });
      await assert.rejects(work, (error: Error) => isConnectionError(error));
      await pidOf(database);
    },
    { onError: (error) => heard.push(error) },
  );
  assert.ok(heard.every((error) => error instanceof DatabaseDownError));
});

test('a COMMIT whose answer is lost is unknown, and it may well have committed', async () => {
  // A relay that lets COMMIT through and cuts the line before the answer.
  const host = new URL(server.url.replace('@/', '@x/')).searchParams.get('host')!;
  const relay = createServer((client) => {
    const backend = connectTcp(`${host}/.s.PGSQL.5432`);
    let cut = false;
    client.on('data', (chunk: Buffer) => {
      if (chunk.includes('commit')) cut = true;
      backend.write(chunk);
    });
    backend.on('data', (chunk: Buffer) => (cut ? client.destroy() : client.write(chunk)));
    client.on('close', () => backend.end());
    client.on('error', () => {});
    backend.on('error', () => {});
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const { port } = relay.address() as { port: number };
  const name = new URL(server.url.replace('@/', '@x/')).pathname;
  await using(
    async (database) => {
      const lost = database.transaction((tx) => tx.query(`insert into t values (3, 'unknown')`));
      await assert.rejects(lost, (error) => error instanceof CommitUnknownError && isConnectionError(error));
    },
    {},
    `postgres://linekeeper@127.0.0.1:${port}${name}`,
  );
  await new Promise((resolve) => relay.close(resolve));
  await using(async (database) => {
    assert.deepEqual(await database.query('select word from t where n = 3'), [{ word: 'unknown' }]);
  });
});

test('an abort ends the statement on the server, rejects with its reason, and the session is not used again', async () => {
  for (const kind of ['read', 'transaction'] as const) {
    await using(async (database) => {
      const stop = new AbortController();
      let pid = 0;
      const running = database[kind](
        async (session) => {
          pid = await pidOf(session);
          const slow = session.query('select pg_sleep(60)');
          stop.abort(new Error('deadline'));
          await slow;
        },
        { signal: stop.signal },
      );
      await assert.rejects(running, /^Error: deadline$/);
      await using(async (other) => {
        await other.query(`do $$ begin for i in 1..500 loop
          exit when not exists (select from pg_stat_activity where pid = ${pid}); perform pg_sleep(0.01); perform pg_stat_clear_snapshot(); end loop; end $$`);
        assert.deepEqual(await other.query('select pid from pg_stat_activity where pid = $1', [pid]), []);
      });
      assert.notEqual(await pidOf(database), pid);
      await assert.rejects(
        database[kind](async () => {}, { signal: stop.signal }),
        /deadline/,
      );
    });
  }
});

test('a connection that is reset in the midst of a COPY is the database away, whatever the socket says', async () => {
  const target = `${decodeURIComponent(/host=([^&]*)/.exec(server.url)![1]!)}/.s.PGSQL.5432`;
  const clients: Socket[] = [];
  const proxy = createServer((client) => {
    clients.push(client);
    const upstream = connectTcp(target);
    client.on('error', () => {});
    client.on('close', () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const url = `postgres://linekeeper@127.0.0.1:${port}/${/@\/([^?]*)/.exec(server.url)![1]}`;
  await using(
    async (database) => {
      const rows = Readable.from(
        (async function* () {
          for (let n = 1_000; n < 1_400; n += 1) {
            yield `${n}\t${'x'.repeat(10_000)}\n`;
            // the next write is the first to know, and fails as `write ECONNRESET`
            if (n === 1_200) for (const client of clients) client.resetAndDestroy();
            else await new Promise((resolve) => setImmediate(resolve));
          }
        })(),
      );
      await assert.rejects(
        database.transaction((tx) => tx.copyIn('copy t (n, word) from stdin', rows)),
        DatabaseDownError,
      );
    },
    {},
    url,
  );
  await new Promise((resolve) => proxy.close(resolve));
});

test('COPY goes in and out, and a source or target that fails leaves no half-used session', async () => {
  await using(async (database) => {
    const rows = Readable.from(['10\tten\n', '11\televen\n']);
    assert.equal(await database.transaction((tx) => tx.copyIn('copy t (n, word) from stdin', rows)), 2);
    const chunks: Buffer[] = [];
    const target = new Writable({
      write(chunk: Buffer, _, done) {
        chunks.push(chunk);
        done();
      },
    });
    const bytes = await database.read((session) =>
      session.copyOut('copy (select n from t where n > 9 order by n) to stdout', target),
    );
    assert.equal(Buffer.concat(chunks).toString(), '10\n11\n');
    assert.equal(bytes, 6);

    const source = Readable.from(
      (async function* () {
        yield '20\tx\n';
        throw Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' });
      })(),
    );
    await assert.rejects(
      database.transaction((tx) => tx.copyIn('copy t (n, word) from stdin', source)),
      (error: Error) => {
        assert.match(error.message, /no such file/);
        return !isConnectionError(error);
      },
    );
    await assert.rejects(
      database.transaction((tx) => tx.copyIn('copy t (n, word) from stdin', Readable.from(['21\tx\n', 'x\tx\n']))),
      /invalid input syntax/,
    );
    assert.deepEqual(await database.query('select n from t where n >= 20'), []);
  });
});

test('a write through a read-only session is its author’s mistake and no outage', async () => {
  await using(async (database) => {
    const write = database.read((session) => session.query(`insert into t values (30, 'x')`));
    await assert.rejects(
      write,
      (error: Error) => /read-only: write in commit/.test(error.message) && !isConnectionError(error),
    );
  });
});

test('waiting for a session is bounded, and a busy pool is no outage', async () => {
  await using(
    async (database) => {
      await database.transaction(async () => {
        await assert.rejects(
          database.query('select 1'),
          (error) => error instanceof PoolBusyError && !isConnectionError(error),
        );
      });
    },
    { acquireTimeoutMs: 50 },
  );
});

test('a forgotten transaction and a lock wait are bounded by the server', async () => {
  await using(
    async (holder) => {
      await assert.rejects(
        holder.transaction(async (tx) => {
          await tx.query('lock table t');
          await using(async (other) => void (await assert.rejects(other.query('select from t'), /lock timeout/)), {
            lockTimeoutMs: 50,
          });
          // Idle until the server has had enough; the other's wait for the lock ends then.
          await using(async (other) => void (await other.query('select from t')), { lockTimeoutMs: 10_000 });
        }),
        (error: Error) => isConnectionError(error),
      );
    },
    { idleInTransactionTimeoutMs: 300 },
  );
});

test('an unreachable server is down, a wrong statement or foreign network error is not', async () => {
  await using(
    async (database) => void (await assert.rejects(database.query('select 1'), DatabaseDownError)),
    {},
    'postgres://linekeeper@127.0.0.1:1/none',
  );
  await using(
    async (database) => void (await assert.rejects(database.query('select 1'), DatabaseDownError)),
    {},
    'postgres://linekeeper@/none?host=%2Fnowhere',
  );
  assert.equal(
    isConnectionError(Object.assign(new Error('sftp refused'), { code: 'ECONNREFUSED', syscall: 'connect' })),
    false,
  );
  assert.equal(isConnectionError(Object.assign(new Error('starting up'), { code: '57P03' })), true);
});

test('abandon rejects what is in flight and the pool goes on with new sessions', async () => {
  await using(async (database) => {
    await pidOf(database);
    const slow = database.query('select pg_sleep(60)');
    await using(async (other) => {
      await other.query(`do $$ begin for i in 1..500 loop
        exit when exists (select from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'); perform pg_sleep(0.01); perform pg_stat_clear_snapshot(); end loop; end $$`);
    });
    database.abandon(new Error('the host went silent'));
    await assert.rejects(slow, (error) => error instanceof DatabaseDownError && /went silent/.test(error.message));
    await pidOf(database);
  });
});

test('dates and local timestamps stay text, whatever the process’s zone', async () => {
  await using(
    async (database) => {
      await database.query(`insert into t values (40, 'd', '2026-03-29', '2026-03-29 02:30:00')`);
      const [row] = await database.query(
        `select d, at, now() as now, current_setting('enable_seqscan') as pin from t where n = 40`,
      );
      assert.deepEqual([row!.d, row!.at, row!.pin], ['2026-03-29', '2026-03-29 02:30:00', 'off']);
      assert.ok(row!.now instanceof Date);
    },
    { settings: ['set enable_seqscan = off'] },
  );
});
