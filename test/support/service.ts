/**
 * The service as `npm start` runs it, against a database of the test server, with its state in a temporary directory.
 * Leases are short so that a killed node's chains go on within a second or two.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = join(import.meta.dirname, '..', '..');

export interface RunningService {
  readonly child: ChildProcess;
  readonly socket: string;
  /** Everything that it has logged so far. */
  output(): string;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  /** Null: the embedded database. */
  readonly databaseUrl: string | null;
  readonly stateDirectory: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the project is; default this one. */
  readonly root?: string;
}

export function startService(options: ServiceOptions): RunningService {
  const log = join(options.stateDirectory, 'service.log');
  const target = createWriteStream(log, { flags: 'a' });
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  const child = spawn(join(options.root ?? root, 'bin/linekeeper'), ['start'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(Object.entries({ PATH, HOME, TMPDIR, LANG }).filter(([, value]) => value !== undefined)),
      ...(options.databaseUrl === null ? {} : { DATABASE_URL: options.databaseUrl }),
      LINEKEEPER_STATE_DIRECTORY: options.stateDirectory,
      LINEKEEPER_CHAINS_LEASE_MS: '900',
      LINEKEEPER_CHAINS_BEAT_MS: '200',
      // tests kill services again and again; the wait of a crash loop is for those that ask for it
      LINEKEEPER_CRASH_LOOP_BASE_MS: '0',
      LINEKEEPER_COMPUTE_THREADS: '1',
      LINEKEEPER_DATABASE_POOL_SIZE: '4',
      ...options.env,
    },
  });
  child.stdout.pipe(target, { end: false });
  child.stderr.pipe(target, { end: false });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    child,
    socket: join(options.stateDirectory, 'admin.sock'),
    output: () => readFileSync(log, 'utf8'),
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

/** One request to the admin socket. Rejects when nothing listens. */
export function call<T>(socketPath: string, method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      // a connection that was kept may be one to a process that is gone
      { socketPath, method, path, headers: { 'content-type': 'application/json' }, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => {
          if ((answer.statusCode ?? 500) < 400) resolve(JSON.parse(text) as T);
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Looks again and again until `look` returns something; fails with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await delay(50);
  }
}

/** Waits until the service works: its database is up and its engine has beaten. */
export async function working(service: RunningService): Promise<void> {
  await until(`the service to work:\n${service.socket}`, async () => {
    if (service.child.exitCode !== null) throw new Error(`the service ended:\n${service.output()}`);
    const health = await call<{ checks: { name: string; status: string }[] }>(service.socket, 'GET', '/health').catch(
      () => null,
    );
    return health?.checks.every((check) => check.status === 'ok' || check.name === 'audit');
  });
}
