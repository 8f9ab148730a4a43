/**
 * A real systemd in namespaces of its own (systemd-boot.sh), where units can be started, killed and watched without a
 * trace on this machine. Needs root and Debian's `systemd`; up in half a second. It ends with the test process, however
 * that ends.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './service.ts';

export interface SystemdMachine {
  /** Runs a command inside, to its end. */
  run(command: string, ...args: string[]): SpawnSyncReturns<string>;
  /** As `run`, but fails unless it exits 0; resolves to its output. */
  must(command: string, ...args: string[]): string;
  /** What `systemctl show` says. */
  show<Name extends string>(unit: string, ...names: Name[]): Record<Name, string>;
  write(path: string, text: string): void;
  /** The path under which this process sees a path inside. */
  seen(path: string): string;
  stop(): Promise<void>;
}

/** `binds`: directories of this machine, by the path at which they are seen inside. */
export async function bootSystemd(binds: Readonly<Record<string, string>>): Promise<SystemdMachine> {
  if (process.getuid?.() !== 0) {
    throw new Error('a real systemd is booted for these tests, which needs root: run sudo npm test');
  }
  const state = mkdtempSync(join(tmpdir(), 'linekeeper-systemd-'));
  const unified = '/sys/fs/cgroup/unified';
  const cgroup = join(existsSync(unified) ? unified : '/sys/fs/cgroup', basename(state));
  const pairs = Object.entries(binds).map(([inside, here]) => `${here}:${inside}`);
  const boot = spawn(join(import.meta.dirname, 'systemd-boot.sh'), [cgroup, state, ...pairs], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => boot.once('exit', () => resolve()));
  let said = '';
  for (const stream of [boot.stdout, boot.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));

  const firstProcess = await until('systemd to be the first process', async () => {
    if (boot.exitCode !== null) throw new Error(`systemd did not boot: ${said}`);
    const children = readText(`/proc/${boot.pid}/task/${boot.pid}/children`).trim().split(' ');
    return children[0] && readText(`/proc/${children[0]}/comm`) === 'systemd\n' ? children[0] : null;
  });

  function run(command: string, ...args: string[]): SpawnSyncReturns<string> {
    const inside = ['-t', firstProcess, '-m', '-p', '-C', '-i', '-u', '-r', '-w', '--', '/usr/bin/env', '-i'];
    const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=dumb', 'SYSTEMD_PAGER=', 'SYSTEMD_COLORS=0'];
    return spawnSync('nsenter', [...inside, ...env, command, ...args], { encoding: 'utf8', timeout: 60_000 });
  }

  function must(command: string, ...args: string[]): string {
    const { status, stdout, stderr } = run(command, ...args);
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
    return stdout;
  }

  const seen = (path: string) => `/proc/${firstProcess}/root${path}`;
  await until('systemd to be up', async () => run('systemctl', 'is-active', '-q', 'test.target').status === 0);

  return {
    run,
    must,
    seen,
    show(unit, ...names) {
      const lines = must('systemctl', 'show', unit, ...names.map((name) => `--property=${name}`)).split('\n');
      const pairs = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
      return Object.fromEntries(pairs) as never;
    },
    write(path, text) {
      const command = 'mkdir -p "$(dirname "$1")" && cat > "$1"';
      const inside = ['-t', firstProcess, '-m', '-r', '-w', '--', '/bin/sh', '-c', command, 'sh', path];
      const { status, stderr } = spawnSync('nsenter', inside, { input: text, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${path} could not be written: ${stderr}`);
    },
    async stop() {
      // the end of its first process ends everything in a pid namespace
      process.kill(Number(firstProcess), 'SIGKILL');
      await ended;
      for (let tries = 0; tries < 20 && !removed(cgroup); tries += 1) await delay(50);
      rmSync(state, { recursive: true, force: true });
    },
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Takes the empty groups away from below; false while something is left in one. */
function removed(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory()) removed(join(group, entry.name));
    }
    rmdirSync(group);
    return true;
  } catch {
    return !existsSync(group);
  }
}
