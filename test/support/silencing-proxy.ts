/** A TCP proxy before PostgreSQL that can fall silent: it goes on accepting connections and passes nothing, either way. */
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

export interface SilencingProxy {
  /** Of the same database, through the proxy. */
  readonly url: string;
  /** From now on; connections that exist stay open and are never served again, as behind a lost route. */
  fallSilent(): void;
  /** For new connections. */
  speak(): void;
  close(): Promise<void>;
}

export async function startSilencingProxy(url: string): Promise<SilencingProxy> {
  const parts = new URL(url.replace('@/', '@socket/'));
  const target = join(parts.searchParams.get('host')!, '.s.PGSQL.5432');
  const sockets = new Set<Socket>();
  const pairs = new Set<[Socket, Socket]>();
  let silent = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (silent) {
      client.resume();
      return;
    }
    const upstream = createConnection(target);
    keep(upstream);
    pairs.add([client, upstream]);
    client.pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://${parts.username}@127.0.0.1:${port}${parts.pathname}`,
    fallSilent() {
      silent = true;
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        upstream.unpipe(client);
        client.resume();
        upstream.resume();
      }
      pairs.clear();
    },
    speak() {
      silent = false;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
