/**
 * A real SFTP server on 127.0.0.1 that serves one directory, read-only, to one user with a password. Whatever would write
 * is answered with "permission denied". The host key is made once and kept beside the data.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { writeBytes } from './output.ts';
import { serveFiles } from './sftp-session.ts';

export interface SftpServer {
  port: number;
  /** `SHA256:` and base64 without padding, as OpenSSH prints it. */
  hostKeySha256: string;
  /** Ends all connections; resolves when the port is free. */
  stop(): Promise<void>;
}

export interface SftpServing {
  root: string;
  hostKeyPath: string;
  /** 0: any free port. */
  port: number;
  user: string;
  password: string;
}

/** Rejects when the port is taken. */
export async function startSftpServer(serving: SftpServing): Promise<SftpServer> {
  const hostKey = hostKeyAt(serving.hostKeyPath);
  const connections = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connections.add(connection);
    // without it every answer waits some 40 ms for the delayed acknowledgement of the one before
    (connection as ssh2.Connection & { setNoDelay(on: boolean): void }).setNoDelay(true);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => connections.delete(connection)); // a client that went away is no fault of ours
    connection.on('authentication', (attempt) => {
      const known = attempt.method === 'password' && isSame(attempt.username, serving.user);
      if (known && isSame(attempt.password, serving.password)) attempt.accept();
      else attempt.reject(['password']);
    });
    connection.on('session', (accept) => {
      accept().on('sftp', (open) => serveFiles(open(), serving.root));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(serving.port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    hostKeySha256: fingerprint(hostKey),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.end();
      }),
  };
}

export function hostKeyIn(directory: string): string {
  return join(directory, 'sftp-host-key');
}

/** One in two hundred of the keys that ssh2 1.17 makes cannot be read by it. */
export function makeHostKey(): string {
  for (;;) {
    const key = ssh2.utils.generateKeyPairSync('ed25519').private;
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}

function hostKeyAt(path: string): string {
  if (!existsSync(path)) writeBytes(path, makeHostKey(), 0o600);
  return readFileSync(path, 'utf8');
}

function fingerprint(hostKey: string): string {
  const key = ssh2.utils.parseKey(hostKey);
  if (key instanceof Error) throw new Error('the SFTP host key cannot be read: remove it', { cause: key });
  return `SHA256:${createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '')}`;
}

function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
