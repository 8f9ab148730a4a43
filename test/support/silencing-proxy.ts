/** A TCP proxy that can fall silent: it goes on accepting connections and passes nothing, either way. */
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

export interface TcpProxy {
  readonly port: number;
  /** From now on; connections that exist stay open and are never served again, as behind a lost route. */
  fallSilent(): void;
  /** Only the connection that was opened as the `nth` of those that stand, from 0. */
  mute(nth: number): void;
  /** For new connections. */
  speak(): void;
  close(): Promise<void>;
}

export interface SilencingProxy extends TcpProxy {
  /** Of the same database, through the proxy. */
  readonly url: string;
}

/** Before PostgreSQL on a unix socket. */
export async function startSilencingProxy(url: string): Promise<SilencingProxy> {
  const parts = new URL(url.replace('@/', '@socket/'));
  const target = join(parts.searchParams.get('host')!, '.s.PGSQL.5432');
  const proxy = await startTcpProxy(() => createConnection(target));
  return { ...proxy, url: `postgres://${parts.username}@127.0.0.1:${proxy.port}${parts.pathname}` };
}

export async function startTcpProxy(connect: () => Socket): Promise<TcpProxy> {
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
    const upstream = connect();
    keep(upstream);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    client.pipe(upstream).pipe(client);
    client.on('close', () => {
      pairs.delete(pair);
      upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
  });
  const part = (pair: [Socket, Socket]) => {
    const [client, upstream] = pair;
    pairs.delete(pair);
    client.unpipe(upstream);
    upstream.unpipe(client);
    client.resume();
    upstream.resume();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    fallSilent() {
      silent = true;
      for (const pair of pairs) part(pair);
    },
    mute: (nth) => part([...pairs][nth]!),
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
