/**
 * One request to a node's admin socket. Rejects when nobody answers in time. An answer of JSON lines is given on as it comes: whoever
 * stops reading it ends the request, and with it what the node does for it; every other answer is whole.
 */
import { type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';

export interface NodeQuestion {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: Buffer | undefined;
}

export interface NodeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | Readable;
}

const linesType = 'application/x-ndjson';

export function ask(socketPath: string, question: NodeQuestion, timeoutMs: number): Promise<NodeAnswer> {
  const { method, path, body } = question;
  const headers = { ...(question.headers as Record<string, string>) };
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, method, path, headers, timeout: timeoutMs }, (response) => {
      if (response.headers['content-type']?.startsWith(linesType)) {
        resolve(answer(response, response));
        return;
      }
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(answer(response, Buffer.concat(chunks))));
    });
    asking.on('timeout', () => asking.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asking.on('error', reject);
    asking.end(body !== undefined && body.length > 0 ? body : undefined);
  });
}

function answer({ statusCode, headers }: IncomingMessage, body: NodeAnswer['body']): NodeAnswer {
  const type = headers['content-type'];
  return { status: statusCode ?? 502, headers: type === undefined ? {} : { 'content-type': type }, body };
}

/** The JSON answer to a GET, whatever its status; null when nobody answers in time, or with something else. */
export async function read<Answer>(socketPath: string, path: string, timeoutMs: number): Promise<Answer | null> {
  try {
    const { body } = await ask(socketPath, { method: 'GET', path }, timeoutMs);
    return JSON.parse(body.toString('utf8')) as Answer;
  } catch {
    return null;
  }
}
