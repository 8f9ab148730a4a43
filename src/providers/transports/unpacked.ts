/** The body of an answer as it was before the server packed it: some do so although `identity` was asked for. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { HttpAnswer } from './http-request.ts';
import { TransportError } from './transport.ts';

const unpack = promisify(gunzip);

/** Throws `TransportError` `unavailable` for what is packed otherwise, or wrongly, or unpacks to more than `maxBytes`. */
export async function unpacked({ headers, body }: HttpAnswer, where: string, maxBytes: number): Promise<Buffer> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new TransportError(
      'unavailable',
      `${where} comes packed as ${encoding.slice(0, 20)}, which nobody asked for`,
    );
  }
  try {
    return await unpack(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    const isTooMuch = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const what = isTooMuch ? `unpacks to more than ${maxBytes} bytes` : 'does not unpack';
    throw new TransportError('unavailable', `${where} ${what}`, { cause });
  }
}
