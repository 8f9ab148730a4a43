/**
 * The primary's admin socket. It answers for the processes by itself, also when no node lives: GET /health, GET /tree, GET
 * /processes, POST /processes/restart. Everything else is passed on, unchanged, to a node that is ready; POST
 * /actors/processes/process-N/… to that one's own actors. With no node to ask it answers 503 and says what each is doing.
 */
import type { FastifyInstance } from 'fastify';
import { largestBodyBytes, openSocketServer, type SocketServer } from '../admin/socket-server.ts';
import type { Log } from '../log/log.ts';
import type { NodeProcess } from './node-process.ts';
import { ask, type NodeAnswer } from './node-request.ts';
import type { ClusterReport } from './report.ts';

export interface DoorServices {
  readonly report: ClusterReport;
  /** Nodes that are ready, the one to ask first at the front. */
  readonly ready: () => readonly NodeProcess[];
  readonly node: (index: number) => NodeProcess | null;
  /** One process after the other, the next when the one before is ready. Rejects when one does not come back. */
  readonly restartAll: (why: string) => Promise<readonly { index: number; pid: number }[]>;
  readonly log: Log;
  /** See `SocketServerOptions`. */
  readonly descriptor: () => number | undefined;
}

/** Not passed on: they are about this connection. */
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host', 'upgrade']);

export async function openDoor(socketPath: string, services: DoorServices): Promise<SocketServer> {
  return openSocketServer({
    socketPath,
    descriptor: services.descriptor(),
    bodyLimitBytes: largestBodyBytes,
    routes: (server) => routes(server, services),
  });
}

function routes(server: FastifyInstance, services: DoorServices): void {
  const { report, log } = services;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error, request, reply) => {
    const { statusCode, message } = error as { statusCode?: number; message: string };
    if (statusCode !== undefined && statusCode < 500) {
      return reply.code(statusCode).send({ error: { code: 'bad-request', message } });
    }
    log.error({ error, method: request.method }, 'an admin request to the primary failed');
    return reply.code(500).send({ error: { code: 'internal', message: `the primary could not do it: ${message}` } });
  });
  server.get('/health', async (_request, reply) => {
    const health = await report.health();
    return reply.code(health.status === 'failing' ? 503 : 200).send(health);
  });
  server.get('/tree', async (_request, reply) => {
    const tree = await report.tree();
    return tree ?? reply.code(503).send({ error: { code: 'unavailable', message: 'the tree is still starting' } });
  });
  server.get('/processes', async () => report.processes());
  server.post('/processes/restart', async (request) => {
    const by = String(request.headers['x-linekeeper-by'] ?? 'socket');
    log.info({ by }, 'a rolling restart was asked for');
    return services.restartAll(`a rolling restart was asked for by ${by}`);
  });
  server.all('/*', async (request, reply) => {
    const named = /^\/actors\/processes\/process-(\d+)\/(.+)$/.exec(request.url);
    const candidates = named ? [services.node(Number(named[1]))].filter((node) => node !== null) : services.ready();
    const path = named ? `/actors/${named[2]}` : request.url;
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !hopByHop.has(name)));
    // what only reads may be asked again of another node when one dies under it
    const tries = request.method === 'GET' ? candidates : candidates.slice(0, 1);
    let lost: Error | null = null;
    for (const { socket } of tries) {
      const question = { method: request.method, path, headers, body: request.body as Buffer | undefined };
      const answer = await ask(socket, question, 60_000).catch((error: Error): NodeAnswer | null => {
        lost = error;
        return null;
      });
      if (answer) return reply.code(answer.status).headers(answer.headers).send(answer.body);
    }
    const why = lost
      ? `the node process broke off: ${(lost as Error).message}`
      : `no node process is ready: ${report.words()}`;
    return reply.code(503).send({ error: { code: 'unavailable', message: why } });
  });
}
