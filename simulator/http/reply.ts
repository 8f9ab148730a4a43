/** What an endpoint answers, how the faults that any call may meet change that, and how it is written to the socket. */
import type { ServerResponse } from 'node:http';
import type { CallFault } from './call-faults.ts';

export interface Reply {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

export interface Delivery {
  /** Absent: at once. */
  bytesPerS?: number;
  /** The connection is broken after so many bytes of the body. */
  breakAfter?: number;
  /** Nothing is ever answered. */
  silent?: boolean;
}

export function reply(
  status: number,
  type: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Reply {
  return { status, headers: { 'content-type': type, ...headers }, body: Buffer.from(body) };
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
  return reply(status, 'application/json; charset=utf-8', text, headers);
}

const sorry = `<!DOCTYPE html><html><head><title>Even geduld</title></head><body><h1>Storing</h1></body></html>\n`;

/** A fault that replaces the answer; null: the endpoint answers. */
export function insteadOf(fault: CallFault | null): { reply: Reply; delivery: Delivery } | null {
  if (fault === null) return null;
  const { kind, arg } = fault;
  if (fault.fault === 'F02') {
    const after: Record<string, string> = arg.retryAfter === undefined ? {} : { 'retry-after': String(arg.retryAfter) };
    return { reply: json(429, { error: 'too_many_requests' }, after), delivery: {} };
  }
  if (fault.fault !== 'F03') return null;
  if (kind === '500' || kind === '503') return { reply: json(Number(kind), { error: 'unavailable' }), delivery: {} };
  if (kind === 'html' || kind === 'html-502') {
    return { reply: reply(kind === 'html' ? 200 : 502, 'text/html; charset=utf-8', sorry), delivery: {} };
  }
  if (kind === 'timeout') return { reply: reply(200, 'text/plain', ''), delivery: { silent: true } };
  return null;
}

/** A fault that changes how a good answer arrives. */
export function onTheWay(good: Reply, fault: CallFault | null): { reply: Reply; delivery: Delivery } {
  const half = Math.floor(good.body.length / 2);
  if (fault?.fault === 'F03' && fault.kind === 'reset') {
    return { reply: good, delivery: { breakAfter: fault.arg.bytes ?? half } };
  }
  if (fault?.fault === 'F04') return { reply: { ...good, body: good.body.subarray(0, half) }, delivery: {} };
  if (fault?.fault === 'F15') return { reply: good, delivery: { bytesPerS: fault.arg.bytesPerS ?? 1 } };
  return { reply: good, delivery: {} };
}

/** Resolves when everything is handed over, or the connection is gone. */
export async function send(response: ServerResponse, { status, headers, body }: Reply, how: Delivery): Promise<void> {
  if (how.silent) return;
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  if (how.breakAfter !== undefined) {
    await new Promise<void>((resolve) => response.write(body.subarray(0, how.breakAfter), () => resolve()));
    response.destroy();
    return;
  }
  if (how.bytesPerS === undefined) {
    response.end(body);
    return;
  }
  await drip(response, body, how.bytesPerS);
}

/** Ten portions a second; one that would be less than a byte becomes one, later. */
async function drip(response: ServerResponse, body: Buffer, bytesPerS: number): Promise<void> {
  response.flushHeaders();
  const portion = Math.max(1, Math.floor(bytesPerS / 10));
  const everyMs = (1_000 * portion) / bytesPerS;
  for (let at = 0; at < body.length && !response.destroyed; at += portion) {
    response.write(body.subarray(at, at + portion));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, everyMs);
      function done() {
        clearTimeout(timer);
        response.off('close', done);
        resolve();
      }
      response.once('close', done);
    });
  }
  response.end();
}
