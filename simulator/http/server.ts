/**
 * The HTTP server of all simulated providers, on 127.0.0.1: finds the endpoint, counts the call, lets it meet its fault, and
 * answers. `/_sim/...` controls it (control.ts). Nothing a client sends makes it fall.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallFault, CallFaults } from './call-faults.ts';
import { insteadOf, json, onTheWay, type Reply, reply, send } from './reply.ts';

export interface Call {
  url: URL;
  /** Groups of the endpoint's path. */
  groups: readonly string[];
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
  /** One that is the endpoint's own business. */
  fault: CallFault | null;
}

export interface Endpoint {
  /** Such as `T_MOBILE.usage`; null: not counted, no faults. */
  at: string | null;
  method: string;
  path: RegExp;
  answer(call: Call): Reply;
}

export interface CallCounts {
  calls: number;
  /** Status (`0` for no answer) to how many. */
  statuses: Record<string, number>;
  /** Calls that are being answered now, and the most that ever were at once. */
  open: number;
  mostAtOnce: number;
}

export interface HttpServer {
  port: number;
  /** Ends all connections; resolves when the port is free. */
  stop(): Promise<void>;
}

const mostBody = 1_048_576;

/** `endpoints` may need the port that was found. Rejects when the port is taken. */
export async function startHttpServer(
  port: number,
  faults: CallFaults,
  counts: Map<string, CallCounts>,
  endpointsAt: (base: string) => readonly Endpoint[],
): Promise<HttpServer> {
  let endpoints: readonly Endpoint[] = [];
  const server = createServer((request, response) => {
    handle(endpoints, faults, counts, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const found = (server.address() as AddressInfo).port;
  endpoints = endpointsAt(`http://127.0.0.1:${found}`);
  return {
    port: found,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(
  endpoints: readonly Endpoint[],
  faults: CallFaults,
  counts: Map<string, CallCounts>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const endpoint = endpoints.find(({ method, path }) => method === request.method && path.test(url.pathname));
  if (body === null) return send(response, reply(413, 'text/plain', 'too large\n'), {});
  if (endpoint === undefined) return send(response, json(404, { error: 'no such endpoint' }), {});
  const fault = endpoint.at === null ? null : faults.take(endpoint.at, `${url.pathname}${url.search} ${body}`);
  const groups = endpoint.path.exec(url.pathname)!.slice(1);
  const headers = request.headers as Record<string, string | undefined>;
  const how = insteadOf(fault) ?? onTheWay(endpoint.answer({ url, groups, headers, body, fault }), fault);
  if (endpoint.at === null) return send(response, how.reply, how.delivery);
  const counted = count(counts, endpoint.at, how.delivery.silent ? 0 : how.reply.status);
  await send(response, how.reply, how.delivery).finally(() => {
    counted.open -= 1;
  });
}

function count(counts: Map<string, CallCounts>, at: string, status: number): CallCounts {
  const found = counts.get(at) ?? { calls: 0, statuses: {}, open: 0, mostAtOnce: 0 };
  found.calls += 1;
  found.open += 1;
  found.mostAtOnce = Math.max(found.mostAtOnce, found.open);
  found.statuses[status] = (found.statuses[status] ?? 0) + 1;
  counts.set(at, found);
  return found;
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > mostBody) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
