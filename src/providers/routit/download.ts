/**
 * One file of charges into the archive. A download that breaks off goes on where it broke (`Range`, as long as `If-Range` holds),
 * a few times; bytes that are not those of the announced md5 are fetched once more, whole.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Archive, ArchivedFile } from '../../archive/archive.ts';
import { TransportError } from '../transports/transport.ts';
import type { Connection } from './connection.ts';
import { watched } from './exchange.ts';

export interface Downloaded extends ArchivedFile {
  /** Lower-case hex. */
  readonly md5: string;
}

const resumptions = 5;
const maxBytes = 4 * 2 ** 30;

export interface Wanted {
  readonly url: URL;
  readonly md5: string;
  onBytes(bytes: number): void;
}

/** Throws `TransportError`. The result's md5 is not the wanted one when that is so twice. */
export async function download(
  connection: Connection,
  archive: Archive,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Downloaded> {
  const first = await once(connection, archive, wanted, signal);
  return first.md5 === wanted.md5 ? first : once(connection, archive, wanted, signal);
}

async function once(
  connection: Connection,
  archive: Archive,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Downloaded> {
  const hash = createHash('md5');
  const stored = await archive.put(hashed(parts(connection, wanted), hash), { signal });
  return { ...stored, md5: hash.digest('hex') };
}

async function* hashed(source: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const part of source) {
    hash.update(part);
    yield part;
  }
}

async function* parts(connection: Connection, { url, onBytes }: Wanted): AsyncGenerator<Buffer> {
  let bytes = 0;
  let etag: string | null = null;
  for (let resumed = 0; ; resumed += 1) {
    const response = await ask(connection, url, bytes, etag);
    const total = totalOf(response, bytes);
    etag = strongTag(response);
    try {
      for await (const part of watched(response, url, connection.silenceMs)) {
        bytes += part.length;
        if (bytes > maxBytes)
          throw new TransportError('unavailable', `${url.pathname} is larger than ${maxBytes} bytes`);
        onBytes(bytes);
        yield part;
      }
      if (total === null || bytes === total) return;
      throw new TransportError('unavailable', `${url.pathname} ended after ${bytes} of ${total} bytes`);
    } catch (error) {
      // without a tag nobody knows whether the rest is of the same file
      const mayGoOn = error instanceof TransportError && etag !== null && bytes > 0 && bytes < maxBytes;
      if (!mayGoOn || resumed >= resumptions) throw error;
    } finally {
      response.destroy();
    }
  }
}

async function ask(connection: Connection, url: URL, from: number, etag: string | null): Promise<IncomingMessage> {
  const range: Record<string, string> =
    from === 0 || etag === null ? {} : { range: `bytes=${from}-`, 'if-range': etag };
  const response = await connection.ask({ method: 'GET', url, headers: { accept: 'application/gzip', ...range } });
  const status = response.statusCode;
  const goesOn = response.headers['content-range']?.startsWith(`bytes ${from}-`) ?? false;
  const type = response.headers['content-type'] ?? '';
  const problem =
    from > 0 && !(status === 206 && goesOn)
      ? 'has changed while it was fetched; it is fetched anew'
      : /^text\/html\b/.test(type)
        ? 'came as HTML'
        : null;
  if (problem === null) return response;
  response.destroy();
  throw new TransportError('unavailable', `${url.pathname} ${problem}`);
}

/** Bytes of the whole file, if the answer says so. */
function totalOf({ headers }: IncomingMessage, from: number): number | null {
  const length = headers['content-length'];
  return length === undefined ? null : from + Number(length);
}

function strongTag({ headers }: IncomingMessage): string | null {
  const { etag } = headers;
  return etag?.startsWith('"') ? etag : null;
}
