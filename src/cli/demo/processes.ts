/**
 * The two processes of the demo, started as a user would start them: the simulator, and the service with its state under
 * the demo's directory. Both end with the demo, also when it is told to stop. A demo that is killed leaves them behind; the
 * next one says so.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface DemoProcess {
  readonly child: ChildProcess;
  /** Asks it to stop and waits for its end; resolves to the exit code, null when it was killed. Idempotent. */
  stop(): Promise<number | null>;
  readonly ended: Promise<number | null>;
}

/** A process of the demo did not do its part; the message says where its output is. */
export class DemoProcessError extends Error {
  override readonly name = 'DemoProcessError';
}

/** What the simulator's servers ask for, and the service answers. */
export const passwords = {
  KPN_SFTP_PASSWORD: 'demo-password',
  T_MOBILE_CLIENT_SECRET: 'demo-secret',
  ROUTIT_PASSWORD: 'demo-password',
};

/** Starts the simulator; it is ready when everything is written and its SFTP server listens. */
export function startSimulator(
  root: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  logPath: string,
): DemoProcess & { readonly ready: Promise<string> } {
  const running = start([join(root, 'simulator/main.ts'), ...args], env, logPath);
  return { ...running, ready: firstLine(running, 'the simulator', logPath) };
}

/** Starts the service; it is ready when its admin socket answers, which the caller finds out. */
export function startService(root: string, env: NodeJS.ProcessEnv, logPath: string): DemoProcess {
  return start([join(root, 'src/cli/main.ts'), 'start'], env, logPath);
}

function start(args: readonly string[], env: NodeJS.ProcessEnv, logPath: string): DemoProcess {
  const log = createWriteStream(logPath);
  // in a group of its own: a Ctrl-C reaches only the demo, which stops both in order
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  return {
    child,
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return ended;
    },
  };
}

/** What a process said last, for the message about its end. Null when it said nothing that can be read. */
export function lastMessage(logPath: string): string | null {
  const line = readFileSync(logPath, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  try {
    return String((JSON.parse(line) as { message?: unknown }).message ?? line);
  } catch {
    return line === '' ? null : line;
  }
}

async function firstLine(running: DemoProcess, what: string, logPath: string): Promise<string> {
  const lines = createInterface({ input: running.child.stdout! });
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const ended = running.ended.then((code) => {
    throw new DemoProcessError(`${what} ended with code ${code}: ${lastMessage(logPath) ?? `see ${logPath}`}`);
  });
  return Promise.race([line, ended]);
}
