/**
 * One service of this suite, kept running as systemd would: when it ends it is started again, until it is told to stay down.
 * It is the real service with the chains of this suite, and reaches PostgreSQL and Redis through proxies of its own.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningService, startService } from '../support/service.ts';
import type { Line } from './proxy.ts';

export interface ServiceEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface FaultyService {
  readonly name: string;
  /** More than one run under a primary. */
  readonly processes: number;
  readonly database: Line;
  readonly redis: Line;
  /** Of the process that was started, which is the primary when it has several; that and those below it. */
  pid(): number;
  pids(): number[];
  /** The next start has these variables besides its own; a start after that has not, unless `forGood`. */
  nextStart(env: Readonly<Record<string, string>>, how?: 'once' | 'forGood'): void;
  /** Sends it; resolves to how that process ended. It is started again by itself. */
  end(...signals: readonly NodeJS.Signals[]): Promise<ServiceEnd>;
  /** As `end`, and it stays down until `up`. */
  down(...signals: readonly NodeJS.Signals[]): Promise<ServiceEnd>;
  /** Of one that is down. */
  up(): void;
  /** How often it has ended without being told to, by exit code or signal. */
  ends(): Readonly<Record<string, number>>;
  /** What it said at the last end with exit code 70. */
  why(): string | null;
  readonly logPath: string;
}

export interface ServicePlace {
  readonly name: string;
  readonly processes: number;
  readonly scratch: string;
  readonly databaseUrl: string;
  readonly env: Readonly<Record<string, string>>;
  readonly database: Line;
  readonly redis: Line;
}

const restartMs = 150;

export function keepRunning({
  name,
  processes,
  scratch,
  databaseUrl,
  env,
  database,
  redis,
}: ServicePlace): FaultyService {
  const stateDirectory = join(scratch, name);
  mkdirSync(stateDirectory, { recursive: true, mode: 0o711 });
  const ends: Record<string, number> = {};
  let lasting: Readonly<Record<string, string>> = {};
  let next: Readonly<Record<string, string>> = {};
  let wanted = true;
  let told = false;
  let lastWhy: string | null = null;
  /** Processes below one that was told to end. */
  let left: readonly number[] = [];
  let running = start();

  function start(): RunningService {
    const service = startService({ databaseUrl, stateDirectory, env: { ...env, ...lasting, ...next } });
    next = {};
    told = false;
    void service.ended.then(async ({ code, signal }) => {
      const how = signal ?? `exit ${code}`;
      if (!told) ends[how] = (ends[how] ?? 0) + 1;
      if (!told && code === 70) lastWhy = lastEndOf(service.output());
      await delay(restartMs);
      await endLeft();
      if (wanted && running === service) running = start();
    });
    return service;
  }

  async function end(signals: readonly NodeJS.Signals[]): Promise<ServiceEnd> {
    const service = running;
    told = true;
    left = childrenOf(service.child.pid!);
    for (const signal of signals) service.child.kill(signal);
    return service.ended;
  }

  /** As systemd does: what a killed primary leaves behind ends before a new one starts. */
  async function endLeft(): Promise<void> {
    for (const pid of left) signalTo(pid, 'SIGTERM');
    for (const pid of left) {
      while (isAlive(pid)) await delay(50);
    }
    left = [];
  }

  return {
    name,
    processes,
    database,
    redis,
    logPath: join(stateDirectory, 'service.log'),
    pid: () => running.child.pid!,
    pids: () => [running.child.pid!, ...childrenOf(running.child.pid!)],
    nextStart(variables, how = 'once') {
      if (how === 'once') next = variables;
      else lasting = { ...lasting, ...variables };
    },
    end: (...signals) => end(signals),
    async down(...signals) {
      wanted = false;
      const ended = await end(signals);
      await endLeft();
      return ended;
    },
    up() {
      if (wanted) return;
      wanted = true;
      running = start();
    },
    ends: () => ends,
    why: () => lastWhy,
  };
}

function lastEndOf(output: string): string | null {
  return [...output.matchAll(/ends with exit code 70: (.*)/g)].at(-1)?.[1] ?? null;
}

/** False when there is no such process (any more). */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** A zombie that nobody has waited for is not. */
export function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}
