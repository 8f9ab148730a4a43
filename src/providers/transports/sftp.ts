/**
 * Files on a provider's SFTP server. The host key must be known beforehand: an unknown or changed one is refused, never
 * accepted by itself. One login a step, no second try with the same credentials.
 */
import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import SftpClient from 'ssh2-sftp-client';
import { assertPlainName, type RemoteFile, type Transport, TransportError } from './transport.ts';

export interface SftpOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** One credential, not a list to try. */
  readonly login: { readonly password: string } | { readonly privateKey: string };
  readonly dir: string;
  /** `SHA256:` + base64 without padding, as `ssh-keygen -lf` prints it. */
  readonly hostKeySha256: string;
  readonly connectTimeoutMs?: number;
  /** Its abort breaks the connection, whatever the other side does or does not answer. */
  readonly signal?: AbortSignal;
  /** A server that leaves three of these unanswered is gone. Default 10,000. */
  readonly keepaliveMs?: number;
}

interface SshConnection {
  setNoDelay(on: boolean): void;
  /** Does nothing once the goodbye was said; then only the socket can be ended. */
  destroy(): void;
  readonly _sock?: { destroy(): void };
}

const closeMs = 2_000;
const smallFileBytes = 4_096;

/** Throws `TransportError`: `refused` for credentials and host key, `unavailable` for everything on the way. */
export async function openSftp(options: SftpOptions): Promise<Transport> {
  const where = `sftp://${options.user}@${options.host}:${options.port}${options.dir}`;
  const client = new SftpClient('linekeeper');
  // ssh2's own client; ssh2-sftp-client has no way to break a connection off
  const connection = (client as unknown as { client: SshConnection }).client;
  const { signal } = options;
  const breakOff = () => connection.destroy();
  const forget = () => signal?.removeEventListener('abort', breakOff);
  let keySeen: string | null = null;
  signal?.throwIfAborted();
  signal?.addEventListener('abort', breakOff, { once: true });
  try {
    await client.connect({
      host: options.host,
      port: options.port,
      username: options.user,
      ...options.login,
      readyTimeout: options.connectTimeoutMs ?? 10_000,
      // without it a server that goes silent is waited for until the step's deadline
      keepaliveInterval: options.keepaliveMs ?? 10_000,
      keepaliveCountMax: 3,
      retries: 0,
      hostVerifier: (key: Buffer) => {
        keySeen = fingerprint(key);
        return keySeen === options.hostKeySha256;
      },
    } as SftpClient.ConnectOptions);
  } catch (error) {
    forget();
    await client.end().catch(() => false);
    if (keySeen !== null && keySeen !== options.hostKeySha256) {
      throw new TransportError(
        'refused',
        `${where} showed host key ${keySeen}, expected ${options.hostKeySha256}; ask the provider, then set hostKeySha256`,
        { cause: error },
      );
    }
    throw toTransportError(error, where);
  }
  // without it every request waits 40 ms for a delayed acknowledgement: 135 ms for a marker of 72 bytes
  connection.setNoDelay(true);
  const path = (name: string) => `${options.dir.replace(/\/$/, '')}/${name}`;
  return {
    async list() {
      try {
        const entries = await client.list(options.dir);
        const files: RemoteFile[] = entries
          .filter((entry) => entry.type === '-')
          .map((entry) => ({ name: entry.name, bytes: entry.size, changedMs: entry.modifyTime }));
        return files.sort((a, b) => (a.name < b.name ? -1 : 1));
      } catch (error) {
        throw toTransportError(error, where);
      }
    },
    async readSmall(name) {
      assertPlainName(name);
      try {
        const head = { readStreamOptions: { end: smallFileBytes - 1 } } as SftpClient.TransferOptions;
        const content = await client.get(path(name), undefined, head);
        return (content as Buffer).toString('latin1');
      } catch (error) {
        throw ofFile(error, `${where}/${name}`);
      }
    },
    async open(name) {
      assertPlainName(name);
      const source = client.createReadStream(path(name), { highWaterMark: 256 * 1024 });
      const target = new PassThrough({ highWaterMark: 1024 * 1024 });
      source.on('error', (error: Error) => target.destroy(ofFile(error, `${where}/${name}`)));
      source.pipe(target);
      return target;
    },
    async close() {
      forget();
      // the other side may never answer the goodbye
      const late = setTimeout(() => connection._sock?.destroy(), closeMs);
      await client.end().finally(() => clearTimeout(late));
    },
  };
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** What a server says of one file; a connection that broke off is all files'. */
function ofFile(error: unknown, where: string): TransportError {
  const message = error instanceof Error ? error.message : String(error);
  if (!/permission denied|no such file/i.test(message)) return toTransportError(error, where);
  return new TransportError('unavailable', `${where} cannot be read: ${message}`, { cause: error, ofFile: true });
}

function toTransportError(error: unknown, where: string): TransportError {
  const message = error instanceof Error ? error.message : String(error);
  if (/authentication|permission denied/i.test(message)) {
    return new TransportError('refused', `${where} refused the login or the path; check the credential`, {
      cause: error,
      ofCredential: /authentication/i.test(message),
    });
  }
  return new TransportError('unavailable', `${where} cannot be reached or broke off: ${message}`, { cause: error });
}
