/**
 * Releases of this project in directories of their own, a link `current`, and a loop that starts what the link leads to
 * again and again, as systemd does for exit codes 70 and 75. The code of a release is its own and can be deleted; its
 * packages are a link to this project's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stateDirectory } from '../support/recovery.ts';

const project = join(import.meta.dirname, '../..');

export interface ReleaseWorld {
  readonly home: string;
  readonly socket: string;
  /** Exit codes so far, and `null` for a start that found nothing. */
  readonly ends: (number | null)[];
  /** `version` is 0.1.NAME unless given; gives its directory. */
  make(name: string, version?: string): string;
  remove(name: string): void;
  /** Moves the link in one step. */
  link(name: string): void;
  boots(): { release: string; end: number | null; why: string | null; healthyAt: string | null }[];
  output(): string;
  start(): void;
  stop(): Promise<void>;
}

/** A release's own files; `packages` is where its node_modules lead. Gives the directory. */
export function makeRelease(directory: string, version: string, packages = join(project, 'node_modules')): string {
  for (const part of ['bin', 'src', 'actors', 'supervisors', 'otel', 'deploy', 'package.json']) {
    cpSync(join(project, part), join(directory, part), { recursive: true });
  }
  symlinkSync(packages, join(directory, 'node_modules'));
  const file = join(directory, 'package.json');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), version }));
  return directory;
}

export function releaseWorld(env: Readonly<Record<string, string>>): ReleaseWorld {
  const home = stateDirectory();
  const state = join(home, 'state');
  const log = join(home, 'service.log');
  const ends: (number | null)[] = [];
  let child: ChildProcess | null = null;
  let wanted = false;
  let over: Promise<void> = Promise.resolve();
  mkdirSync(join(home, 'releases'));
  mkdirSync(state);

  async function loop(): Promise<void> {
    while (wanted) {
      ends.push(await once());
      // 0 and 78 are not started again
      if (ends.at(-1) === 0 || ends.at(-1) === 78) return;
      await delay(100);
    }
  }

  function once(): Promise<number | null> {
    const output = openSync(log, 'a');
    const { PATH, HOME } = process.env;
    child = spawn(join(home, 'current/bin/linekeeper'), ['start'], {
      cwd: '/',
      stdio: ['ignore', output, output],
      env: {
        ...(PATH === undefined ? {} : { PATH }),
        ...(HOME === undefined ? {} : { HOME }),
        LINEKEEPER_NODE: process.execPath,
        LINEKEEPER_STATE_DIRECTORY: state,
        LINEKEEPER_CHAINS_LEASE_MS: '900',
        LINEKEEPER_CHAINS_BEAT_MS: '200',
        LINEKEEPER_CRASH_LOOP_BASE_MS: '0',
        LINEKEEPER_COMPUTE_THREADS: '1',
        LINEKEEPER_DATABASE_POOL_SIZE: '4',
        ...env,
      },
    });
    const started = child;
    return new Promise((resolve) => {
      started.once('error', (error) => {
        appendFileSync(log, `${error.message}\n`);
        resolve(null);
      });
      started.once('exit', (code) => resolve(code));
    });
  }

  return {
    home,
    socket: join(state, 'admin.sock'),
    ends,
    make: (name, version = `0.1.${name}`) => makeRelease(join(home, 'releases', name), version),
    remove: (name) => rmSync(join(home, 'releases', name), { recursive: true }),
    link(name) {
      symlinkSync(join('releases', name), join(home, 'new'));
      renameSync(join(home, 'new'), join(home, 'current'));
    },
    boots() {
      const file = join(state, 'boots.json');
      return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).boots : [];
    },
    output: () => readFileSync(log, 'utf8'),
    start() {
      wanted = true;
      over = loop();
    },
    async stop() {
      wanted = false;
      child?.kill('SIGTERM');
      await over;
    },
  };
}
