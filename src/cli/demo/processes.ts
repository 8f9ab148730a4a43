/**
 * The two processes of the demo, started as a user would start them: the simulator, and the service with its state under
 * the demo's directory. Both end with the demo, in whatever way it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
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

export const passwordEnv = 'KPN_SFTP_PASSWORD';

/** Starts the simulator with its SFTP server and waits until everything is written. */
export async function startSimulator(
  root: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  logPath: string,
): Promise<DemoProcess> {
  const running = start([join(root, 'simulator/main.ts'), ...args], env, logPath);
  await firstLine(running, 'the simulator', logPath);
  return running;
}

/** Starts the service; it is ready when its admin socket answers, which the caller finds out. */
export function startService(root: string, env: NodeJS.ProcessEnv, logPath: string): DemoProcess {
  return start([join(root, 'src/cli/main.ts'), 'start'], env, logPath);
}

function start(args: readonly string[], env: NodeJS.ProcessEnv, logPath: string): DemoProcess {
  const log = createWriteStream(logPath);
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
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

async function firstLine(running: DemoProcess, what: string, logPath: string): Promise<string> {
  const lines = createInterface({ input: running.child.stdout! });
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const ended = running.ended.then((code) => {
    throw new DemoProcessError(`${what} ended with code ${code} before it was ready; see ${logPath}`);
  });
  return Promise.race([line, ended]);
}
