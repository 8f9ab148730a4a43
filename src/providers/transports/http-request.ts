/**
 * One HTTP request with bounds: for the answer to begin, to be whole, and for its size; redirects are not followed, as a
 * credential must not follow them. Whatever the network or the server does to it is a `TransportError`: a certificate that
 * does not prove the server is `refused`, everything else on the way `unavailable`. A status is an answer, and the caller's.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { TransportError } from './transport.ts';

export interface HttpQuestion {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM; default: the system's. */
  readonly ca?: string;
  readonly firstByteMs: number;
  readonly wholeMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export async function httpRequest(question: HttpQuestion): Promise<HttpAnswer> {
  const { url, signal } = question;
  const where = `${question.method} ${url.origin}${url.pathname}`;
  signal.throwIfAborted();
  const over = new AbortController();
  const end = (why: string) => over.abort(new TransportError('unavailable', `${where} ${why}`));
  const first = setTimeout(end, question.firstByteMs, `did not begin to answer within ${question.firstByteMs} ms`);
  const whole = setTimeout(end, question.wholeMs, `was not answered whole within ${question.wholeMs} ms`);
  try {
    const response = await send(question, AbortSignal.any([signal, over.signal]));
    clearTimeout(first);
    const body = await read(response, where, question.maxBytes);
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  } catch (error) {
    if (over.signal.aborted) throw over.signal.reason;
    signal.throwIfAborted();
    throw toTransportError(error, where);
  } finally {
    clearTimeout(first);
    clearTimeout(whole);
  }
}

function send({ url, method, headers, body, ca }: HttpQuestion, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    method,
    signal,
    headers: {
      'accept-encoding': 'identity',
      ...headers,
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    },
    // no pool: a session is a few requests, and a connection that outlives it would be somebody's to close
    agent: false as const,
    ...(ca === undefined ? {} : { ca }),
  };
  const sent = url.protocol === 'https:' ? tlsRequest(url, options, resolve) : plainRequest(url, options, resolve);
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

async function read(response: IncomingMessage, where: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new TransportError('unavailable', `${where} answered with more than ${maxBytes} bytes; it was broken off`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

const untrusted = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

function toTransportError(error: unknown, where: string): TransportError {
  if (error instanceof TransportError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (untrusted.test(code)) {
    const what = `${where}: the server's certificate does not prove that it is the provider (${code}); nothing was sent`;
    return new TransportError('refused', `${what}. Ask the provider; for a private authority set caFile`, {
      cause: error,
    });
  }
  return new TransportError('unavailable', `${where} cannot be reached or broke off: ${message}`, { cause: error });
}
