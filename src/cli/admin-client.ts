/**
 * Speaks to the service over its admin socket. Nobody there, or nobody who answers: exit 69. An answer that is an error:
 * its message and exit 1.
 */
import { type IncomingMessage, request } from 'node:http';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';

/** Long enough for loading a large document, short enough to notice a service that hangs. */
const silenceMs = 60_000;

export interface AdminClient {
  readonly socketPath: string;
  /** `accept`: statuses that are answers, not errors. Default every 2xx. */
  get<T>(path: string, options?: { query?: Query; accept?: readonly number[] }): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  /** Gives each line of an answer of JSON lines to `take`, as it comes. An answer that breaks off rejects. */
  lines<Line>(path: string, body: unknown, take: (line: Line) => void): Promise<void>;
  /** Writes the answer into `target` as it comes, and does not end it. Resolves to its bytes; one that breaks off rejects. */
  download(path: string, query: Query, target: Writable): Promise<number>;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The socket of `--socket`, else of the configuration. */
export async function openClient(io: CliIo, options: ServiceOptions): Promise<AdminClient> {
  const socketPath = options.socket === undefined ? await configured(io, options) : resolve(io.cwd, options.socket);
  const by = `${nameOfUser()}@cli`;
  return {
    socketPath,
    get: (path, { query = {}, accept = [] } = {}) => call('GET', `${path}${queryText(query)}`, undefined, accept),
    post: (path, body) => call('POST', path, JSON.stringify(body), []),
    lines: (path, body, take) => lines(path, JSON.stringify(body), take),
    download: (path, query, target) => stream(`${path}${queryText(query)}`, target),
  };

  async function begun(method: string, path: string, body?: string): Promise<IncomingMessage> {
    const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = { 'x-linekeeper-by': by };
    const asking = request({ socketPath, method, path, headers, timeout: silenceMs }, answered);
    asking.on('timeout', () => asking.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    asking.on('error', (error) => reject(unreachable(socketPath, error)));
    asking.end(body);
    const response = await promise;
    if (response.statusCode !== 200) answerOf(response.statusCode ?? 0, await textOf(response), []);
    return response;
  }

  async function lines<Line>(path: string, body: string, take: (line: Line) => void): Promise<void> {
    const response = await begun('POST', path, body);
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line !== '') take(JSON.parse(line) as Line);
      }
      if (!response.complete) throw unreachable(socketPath, response.errored ?? new Error('the answer is not whole'));
    } finally {
      response.destroy();
    }
  }

  async function stream(path: string, target: Writable): Promise<number> {
    const response = await begun('GET', path);
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    try {
      await pipeline(response, target, { end: false });
    } catch (error) {
      // what the target could not take is not the service's silence
      if (target.errored) throw error;
      throw unreachable(socketPath, error as Error);
    }
    return bytes;
  }

  function call<T>(method: string, path: string, body: string | undefined, accept: readonly number[]): Promise<T> {
    return new Promise((settle, reject) => {
      const headers = { 'x-linekeeper-by': by, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      const asking = request({ socketPath, method, path, headers, timeout: silenceMs }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => reject(unreachable(socketPath, error)));
        response.on('end', () => {
          try {
            settle(answerOf<T>(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'), accept));
          } catch (error) {
            reject(error);
          }
        });
      });
      asking.on('timeout', () => asking.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
      asking.on('error', (error) => reject(unreachable(socketPath, error)));
      asking.end(body);
    });
  }
}

async function configured(io: CliIo, options: ServiceOptions): Promise<string> {
  const { loadConfig } = await import('../config/load.ts');
  const file = options.config === undefined ? {} : { file: options.config };
  return loadConfig({ ...file, env: io.env, cwd: io.cwd }).admin.socket;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function answerOf<T>(status: number, text: string, accept: readonly number[]): T {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new CliError(exitCode.unreachable, `what listens on the socket is no linekeeper (status ${status})`, {
      cause: error,
    });
  }
  if ((status >= 200 && status < 300) || accept.includes(status)) return body as T;
  const message = (body as { error?: { message?: unknown } } | null)?.error?.message;
  throw new CliError(exitCode.failed, typeof message === 'string' ? message : `the service answered ${status}`);
}

function unreachable(socketPath: string, error: Error): CliError {
  const code = (error as { code?: string }).code;
  const words: Readonly<Record<string, string>> = {
    ENOENT: `no service listens at ${socketPath}; start it with: linekeeper start`,
    ECONNREFUSED: `no service listens at ${socketPath} any more; start it with: linekeeper start`,
    EACCES: `no permission to use ${socketPath}; run as the user or group that owns it`,
    ETIMEDOUT: `the service at ${socketPath} did not answer within ${silenceMs / 1_000} s; see its log`,
  };
  const message = words[code ?? ''] ?? `the service at ${socketPath} broke off: ${error.message}`;
  return new CliError(exitCode.unreachable, message, { cause: error });
}

function queryText(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // a uid without a name, as in some containers
    return `uid${process.getuid?.() ?? ''}`;
  }
}
