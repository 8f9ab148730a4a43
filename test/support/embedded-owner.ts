/** Starts test/database/embedded/owner-process.ts, also as another user, and knows how to kill it and all it left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startTimeOf } from '../../src/database/embedded/keeper-protocol.ts';

export interface Owner {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly postmasterPid: number;
  readonly keeperPid: number;
  readonly adopted: boolean;
  /** What it logged while it started. */
  readonly lines: readonly string[];
}

export interface OwnerPlace {
  readonly stateDirectory: string;
  readonly systemDirectory: string;
  /** Of the code to run; default this one. */
  readonly project?: string;
  readonly node?: string;
  readonly user?: { uid: number; gid: number };
}

/** Resolves when its server is up; rejects with the words of its refusal. */
export async function startOwner(place: OwnerPlace): Promise<Owner> {
  const project = place.project ?? join(import.meta.dirname, '../..');
  const script = join(project, 'test/database/embedded/owner-process.ts');
  const child = spawn(place.node ?? process.execPath, [script, place.stateDirectory, place.systemDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
    cwd: '/',
    ...place.user,
  });
  const answer = await new Promise<Record<string, unknown>>((resolve, reject) => {
    createInterface(child.stdout).once('line', (line) => resolve(JSON.parse(line) as Record<string, unknown>));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the owner ended with code ${code} and said nothing`)));
  });
  if ('refused' in answer) throw new Error(String(answer.refused));
  const { url, pid, keeperPid, adopted, lines } = answer as {
    url: string;
    pid: number;
    keeperPid: number;
    adopted: boolean;
    lines: string[];
  };
  return { process: child, pid: child.pid!, url, postmasterPid: pid, keeperPid, adopted, lines };
}

/** Resolves when the process is gone; rejects after `timeoutMs`. */
export async function gone(pid: number, timeoutMs = 8_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (lives(pid)) {
    if (performance.now() > deadline) throw new Error(`process ${pid} still lives after ${timeoutMs} ms`);
    await delay(20);
  }
}

/** A zombie, which an init process has yet to collect, does not live. */
export function lives(pid: number): boolean {
  return startTimeOf(pid) !== null;
}

/** Runs one statement on a connection of its own. */
export async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Asks it to stop and waits for it and its server. */
export async function stopOwner(owner: Owner): Promise<void> {
  owner.process.kill('SIGTERM');
  await gone(owner.postmasterPid);
  if (owner.process.exitCode === null && owner.process.signalCode === null) {
    await new Promise((resolve) => owner.process.once('exit', resolve));
  }
}
