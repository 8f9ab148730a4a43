/**
 * A real Redis of the test's own: its own port and directory, killed by its pid. `look` speaks to it over a connection that
 * the code under test knows nothing of.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** As kill -9. */
  kill(): Promise<void>;
  /** On the same port and directory; what was not saved is gone. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(...settings: readonly string[]): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'lkt-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess;
  let client: Redis | null = null;

  async function start(): Promise<void> {
    const fixed = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      directory,
      '--save',
      '',
      '--daemonize',
      'no',
    ];
    child = spawn('redis-server', [...fixed, ...settings], { stdio: 'ignore', cwd: directory });
    await answers(port);
  }

  async function kill(): Promise<void> {
    client?.disconnect();
    client = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  await start();
  return {
    url,
    port,
    get pid() {
      return child.pid!;
    },
    async call(command, ...args) {
      client ??= new Redis(url, { protocol: 2, disableClientInfo: true, disconnectTimeout: 0 });
      return client.call(command, ...args.map(String));
    },
    kill,
    start,
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        const socket = createConnection({ port, host: '127.0.0.1' });
        socket.once('error', reject);
        socket.once('data', (data) => {
          socket.destroy();
          if (String(data).startsWith('+PONG')) resolve();
          else reject(new Error(`Redis answers ${data}`));
        });
        socket.write('PING\r\n');
      });
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await delay(20);
    }
  }
}
