/**
 * An HTTP server on a unix socket of mode 0660. Resolves when it listens and rejects with `SocketPlaceError` when it cannot.
 * `close` lets running requests end for two seconds and removes the socket.
 */
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { type FastifyInstance, fastify } from 'fastify';
import { freeSocketPath, SocketPlaceError } from './socket.ts';

/** Documents of customers and tariffs are the large ones. */
export const largestBodyBytes = 64 * 1024 * 1024;

export interface SocketServer {
  readonly socketPath: string;
  close(): Promise<void>;
}

export interface SocketServerOptions {
  readonly socketPath: string;
  /** A socket that listens already, from the service manager: it is used as it is, and stays when this one closes. */
  readonly descriptor: number | undefined;
  /** Largest body. */
  readonly bodyLimitBytes: number;
  readonly routes: (server: FastifyInstance) => void;
}

export async function openSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  const { socketPath, descriptor, bodyLimitBytes, routes } = options;
  if (descriptor === undefined) await freeSocketPath(socketPath);
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    requestTimeout: 60_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 500 },
  });
  routes(server);
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

function wayOut(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (code === 'EACCES' || code === 'EPERM') return 'no permission; run as the owner of the state directory';
  if (code === 'EADDRINUSE') return 'somebody else opened it in the same moment; look with: linekeeper health';
  return error instanceof Error ? error.message : String(error);
}
