/**
 * The admin socket: HTTP and JSON on a unix socket of mode 0660, for `curl --unix-socket` and for everything the CLI does.
 * Whoever may open the socket may do everything; who did what is recorded under the name the caller gives in
 * `x-linekeeper-by` (else `socket`). Errors are `{ "error": { "code", "message" } }`.
 *
 * `openAdmin` resolves when it listens and rejects with `SocketPlaceError` when it cannot. A failing service answers an
 * error; it never ends the server. `close` lets running requests end for two seconds and removes the socket.
 */
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { type FastifyInstance, fastify } from 'fastify';
import type { Log } from '../log/log.ts';
import { actorRoutes } from './actor-routes.ts';
import { alertRoutes } from './alert-routes.ts';
import { chainRoutes } from './chain-routes.ts';
import { documentRoutes } from './document-routes.ts';
import { errorAnswer } from './error-answer.ts';
import type { AdminServices } from './services.ts';
import { freeSocketPath, SocketPlaceError } from './socket.ts';
import { syncRoutes } from './sync-routes.ts';
import { systemRoutes } from './system-routes.ts';
import { totalsRoutes } from './totals-routes.ts';

export interface AdminOptions {
  readonly socketPath: string;
  /** A listening socket at that path that somebody else owns: it is used and left as it is. */
  readonly descriptor?: number | undefined;
  readonly services: AdminServices;
  readonly log: Log;
  /** Largest document. Default 64 MiB. */
  readonly bodyLimitBytes?: number;
}

export interface Admin {
  readonly socketPath: string;
  close(): Promise<void>;
}

export async function openAdmin(options: AdminOptions): Promise<Admin> {
  const { socketPath, descriptor, services, log, bodyLimitBytes = 64 * 1024 * 1024 } = options;
  if (descriptor === undefined) await freeSocketPath(socketPath);
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    requestTimeout: 60_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 500 },
  });
  acceptPlainCurl(server);
  server.setErrorHandler((error, request, reply) => {
    const { status, body, unforeseen } = errorAnswer(error);
    if (unforeseen)
      log.error({ error, method: request.method, route: request.routeOptions.url }, 'an admin request failed');
    return reply.code(status).send(body);
  });
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: { code: 'unknown-route', message: `there is no ${request.method} ${request.url.split('?')[0]} here` },
    }),
  );
  for (const routes of [
    systemRoutes,
    chainRoutes,
    syncRoutes,
    totalsRoutes,
    alertRoutes,
    documentRoutes,
    actorRoutes,
  ]) {
    routes(server, services);
  }
  try {
    if (descriptor === undefined) {
      await server.listen({ path: socketPath });
      chmodSync(socketPath, 0o660);
    } else {
      // not fastify's own listen, which asks for an address that such a socket does not tell
      await server.ready();
      server.server.listen({ fd: descriptor });
      await once(server.server, 'listening');
    }
  } catch (error) {
    await server.close();
    throw new SocketPlaceError(`the admin socket ${socketPath} cannot be opened: ${wayOut(error)}`, { cause: error });
  }
  return {
    socketPath,
    async close() {
      // what fastify did not open it does not close
      if (descriptor !== undefined) server.server.close();
      const cut = setTimeout(() => server.server.closeAllConnections(), 2_000);
      try {
        await server.close();
      } finally {
        clearTimeout(cut);
      }
    },
  };
}

/** curl sends a body as a form unless it is told otherwise: every body is read as JSON, and none as an empty object. */
function acceptPlainCurl(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {});
    else void parse(request, body as string, done);
  });
}

function wayOut(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (code === 'EACCES' || code === 'EPERM') return 'no permission; run as the owner of the state directory';
  if (code === 'EADDRINUSE') return 'somebody else opened it in the same moment; look with: linekeeper health';
  return error instanceof Error ? error.message : String(error);
}
