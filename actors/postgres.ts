/**
 * `infrastructure/postgres`, embedded mode only: owns the embedded server. When the server ends by itself this actor
 * crashes and its successor starts it again; for everyone above that is a database that is down for a moment. Only these
 * supervised starts have a budget.
 */
import type { EmbeddedServer } from '../src/database/embedded/server.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type PostgresMessage = { readonly type: 'ended'; readonly reason: string };

export interface PostgresServices {
  readonly start: () => Promise<EmbeddedServer>;
  /** The server answers under this URL; the same one after every start. */
  readonly onStarted: (url: string) => void;
}

export function postgres(services: PostgresServices): ActorSpec<PostgresMessage, EmbeddedServer> {
  return actor<PostgresMessage, EmbeddedServer>({
    id: 'postgres',
    async init(context) {
      const server = await services.start();
      server.onEnd((end) => {
        if (!end.wanted) context.self.send({ type: 'ended', reason: end.reason });
      });
      services.onStarted(server.url);
      return server;
    },
    receive(_server, message) {
      throw new Error(`the embedded PostgreSQL ended: ${message.reason}`);
    },
    terminate: (server) => server.stop(),
    describe: (server) => ({ pid: server.pid, keeperPid: server.keeperPid, adopted: server.adopted }),
    options: { startDeadlineMs: 150_000, stopDeadlineMs: 35_000, backoff: { baseMs: 500, capMs: 10_000 } },
  });
}
