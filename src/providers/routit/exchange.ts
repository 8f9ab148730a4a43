/**
 * One HTTP exchange with the provider, as an outcome that a step can act on: everything that fails is a `TransportError`.
 * Redirects are not followed (a credential goes where the profile says and nowhere else), bodies are bounded, and a server
 * that goes silent is given up. Refused: 401, 403 and certificates. Limited: 429, with Retry-After when it says so.
 */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { patienceOf } from '../transports/patience.ts';
import { TransportError } from '../transports/transport.ts';

export interface Asked {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM; instead of the system's authorities. */
  readonly ca?: Buffer | undefined;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** Resolves when the head of a good answer (2xx) is there. The caller reads the body, or destroys the message. */
export async function exchange(asked: Asked): Promise<IncomingMessage> {
  const response = await head(asked);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  response.destroy();
  const said = `${asked.url.host} answered ${status} to ${asked.method} ${asked.url.pathname}`;
  if (status === 401 || status === 403) {
    throw new TransportError('refused', `${said}: it does not take this user and password`, { ofCredential: true });
  }
  const { headers } = response;
  if (status === 429 || (status === 503 && headers['retry-after'] !== undefined)) {
    const after = headers['retry-after'] === undefined ? {} : { afterMs: patienceOf(headers, Date.now()) };
    throw new TransportError('limited', `${said}: it asks for patience`, after);
  }
  throw new TransportError('unavailable', said);
}

function head({ method, url, headers, body, ca, silenceMs, signal }: Asked): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const open = url.protocol === 'https:' ? secureRequest : plainRequest;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = { method, headers: { ...headers, ...length }, signal, timeout: silenceMs, agent: false as const };
  const outgoing = open(url, ca ? { ...options, ca } : options, resolve);
  outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${silenceMs} ms`)));
  outgoing.once('error', (error) => reject(networkTrouble(url, error)));
  outgoing.end(body);
  return promise;
}

/** The body, or why it did not come whole. */
export async function bodyOf(response: Readable, url: URL, maxBytes: number, silenceMs: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of watched(response, url, silenceMs)) {
    bytes += part.length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new TransportError(
        'unavailable',
        `${url.host} answered with more than ${maxBytes} bytes; it was not read on`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The parts of a body; a reset and a silence of `silenceMs` end it with a `TransportError`. */
export async function* watched(response: Readable, url: URL, silenceMs: number): AsyncGenerator<Buffer> {
  const silent = () => response.destroy(new Error(`nothing came for ${silenceMs} ms`));
  let timer = setTimeout(silent, silenceMs);
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      yield part;
      timer = setTimeout(silent, silenceMs);
    }
  } catch (error) {
    throw networkTrouble(url, error as Error);
  } finally {
    clearTimeout(timer);
  }
}

/** The certificate is a matter for a person; all else may be over in a while. */
function networkTrouble(url: URL, error: Error & { code?: string }): TransportError {
  if (error instanceof TransportError) return error;
  const { code = '' } = error;
  const ofTls = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|SSL/.test(code);
  return new TransportError(ofTls ? 'refused' : 'unavailable', `${url.host}: ${error.message}`, { cause: error });
}
