/**
 * The admin socket: HTTP and JSON on a unix socket of mode 0660, for `curl --unix-socket` and for everything the CLI does.
 * Whoever may open the socket may do everything; who did what is recorded under the name the caller gives in
 * `x-linekeeper-by` (else `socket`). Errors are `{ "error": { "code", "message" } }`.
 *
 * `openAdmin` resolves when it listens and rejects with `SocketPlaceError` when it cannot. A failing service answers an
 * error; it never ends the server. `close` lets running requests end for two seconds and removes the socket.
 */
import type { FastifyInstance } from 'fastify';
import type { Log } from '../log/log.ts';
import { actorRoutes } from './actor-routes.ts';
import { alertRoutes } from './alert-routes.ts';
import { chainRoutes } from './chain-routes.ts';
import { cycleRoutes } from './cycle-routes.ts';
import { deadRoutes } from './dead-routes.ts';
import { documentRoutes } from './document-routes.ts';
import { errorAnswer } from './error-answer.ts';
import { inventoryRoutes } from './inventory-routes.ts';
import { pauseRoutes } from './pause-routes.ts';
import { previewRoutes } from './preview-routes.ts';
import { privacyRoutes } from './privacy-routes.ts';
import { reconciliationRoutes } from './reconciliation-routes.ts';
import { reportRoutes } from './report-routes.ts';
import { scheduleRoutes } from './schedule-routes.ts';
import type { AdminServices } from './services.ts';
import { largestBodyBytes, openSocketServer, type SocketServer } from './socket-server.ts';
import { refuseUnstorable } from './storable-text.ts';
import { suspenseRoutes } from './suspense-routes.ts';
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

export type Admin = SocketServer;

export async function openAdmin(options: AdminOptions): Promise<Admin> {
  const { socketPath, descriptor, services, log, bodyLimitBytes = largestBodyBytes } = options;
  return openSocketServer({
    socketPath,
    descriptor,
    bodyLimitBytes,
    routes(server) {
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
        deadRoutes,
        pauseRoutes,
        scheduleRoutes,
        syncRoutes,
        totalsRoutes,
        reconciliationRoutes,
        cycleRoutes,
        privacyRoutes,
        alertRoutes,
        documentRoutes,
        inventoryRoutes,
        suspenseRoutes,
        reportRoutes,
        previewRoutes,
        actorRoutes,
      ]) {
        routes(server, services);
      }
    },
  });
}

/** curl sends a body as a form unless it is told otherwise: every body is read as JSON, and none as an empty object. */
function acceptPlainCurl(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {});
    else {
      void parse(request, body as string, (error, value) => done(error ?? unstorable(body as string, value), value));
    }
  });
}

function unstorable(body: string, value: unknown): Error | null {
  try {
    refuseUnstorable(body, value);
    return null;
  } catch (error) {
    return error as Error;
  }
}
