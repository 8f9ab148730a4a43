/** Runs the command line in this process against an admin socket with example services. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type Admin, openAdmin } from '../../src/admin/open-admin.ts';
import { main } from '../../src/cli/command-line.ts';
import { createLog } from '../../src/log/log.ts';
import { type ExampleServices, exampleServices } from '../admin/example-services.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Terminal {
  readonly directory: string;
  readonly socketPath: string;
  readonly services: ExampleServices;
  /** Sleeps of `--wait`; may be replaced to do something in between. */
  onSleep: () => Promise<void>;
  run(args: readonly string[], options?: { tty?: boolean; env?: Record<string, string> }): Promise<Ran>;
  /** `run` with `--socket`. */
  ask(args: readonly string[], options?: { tty?: boolean }): Promise<Ran>;
  startService(): Promise<void>;
  stopService(): Promise<void>;
  close(): Promise<void>;
}

export async function openTerminal(): Promise<Terminal> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-cli-'));
  const socketPath = join(directory, 'admin.sock');
  const services = exampleServices();
  let admin: Admin | null = null;
  let clockMs = 0;
  const terminal: Terminal = {
    directory,
    socketPath,
    services,
    onSleep: async () => {},
    async run(args, { tty = false, env = {} } = {}) {
      const [stdout, stderr] = [screen(tty), screen(tty)];
      const code = await main(args, {
        stdout: stdout.stream,
        stderr: stderr.stream,
        env,
        cwd: directory,
        nowMs: () => clockMs,
        async sleep(delayMs) {
          clockMs += delayMs;
          await terminal.onSleep();
        },
        onStopSignal: () => () => {},
      });
      return { code, out: stdout.text(), err: stderr.text() };
    },
    ask: (args, options) => terminal.run([...args, '--socket', socketPath], options),
    async startService() {
      admin = await openAdmin({ socketPath, services, log: createLog({ level: 'silent' }) });
    },
    async stopService() {
      await admin?.close();
      admin = null;
    },
    async close() {
      await terminal.stopService();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await terminal.startService();
  return terminal;
}

function screen(tty: boolean) {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY: tty, columns: 100 }), text: () => chunks.join('') };
}
