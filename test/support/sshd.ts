/** A real OpenSSH server with internal-sftp on a loopback port, for the user who runs the tests, by key. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Sshd {
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKeySha256: string;
  /** Everyone who is connected hears nothing more until `resumeSessions`. */
  pauseSessions(): void;
  resumeSessions(): void;
  stop(): Promise<void>;
}

export async function startSshd(): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), 'sshd-'));
  const path = (name: string) => join(directory, name);
  for (const name of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path(name)]);
  writeFileSync(path('authorized'), readFileSync(path('user.pub')), { mode: 0o600 });
  // Debian's sshd insists on its privilege separation directory when it runs as root
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const options = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: path('host'),
    AuthorizedKeysFile: path('authorized'),
    PidFile: 'none',
    StrictModes: 'no',
    UsePAM: 'no',
    PasswordAuthentication: 'no',
    PermitRootLogin: 'prohibit-password',
    Subsystem: 'sftp internal-sftp',
  };
  const lines = Object.entries(options).map(([key, value]) => `${key} ${value}\n`);
  writeFileSync(path('config'), lines.join(''));
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', path('config')], { stdio: 'ignore' });
  await listening(port);
  const [, blob] = readFileSync(path('host.pub'), 'utf8').split(' ');
  const digest = createHash('sha256').update(Buffer.from(blob!, 'base64')).digest('base64').replace(/=+$/, '');
  return {
    port,
    user: userInfo().username,
    privateKey: readFileSync(path('user'), 'utf8'),
    hostKeySha256: `SHA256:${digest}`,
    pauseSessions: () => signalChildren(server.pid!, 'SIGSTOP'),
    resumeSessions: () => signalChildren(server.pid!, 'SIGCONT'),
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The server's own children, and theirs: one process or more for every session. Those of earlier sessions may just end. */
function signalChildren(pid: number, signal: NodeJS.Signals): void {
  for (const child of childrenOf(pid)) {
    try {
      process.kill(child, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    signalChildren(child, signal);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await delay(25);
  }
  throw new Error(`sshd does not listen on port ${port}`);
}
