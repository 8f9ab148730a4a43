/**
 * A transaction pooler: lends each of its few server sessions to whichever client speaks, until that client's transaction
 * ends, and announces backend keys of its own making. Just enough of what PgBouncer does with pool_mode=transaction.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface TransactionPooler {
  readonly url: string;
  close(): Promise<void>;
}

interface Backend {
  readonly socket: Socket;
  client: Socket | null;
  pending: Buffer;
}

/** In front of a server on a unix socket that trusts the role linekeeper. */
export async function startTransactionPooler(serverUrl: string): Promise<TransactionPooler> {
  const target = new URL(serverUrl.replace('@/', '@localhost/'));
  const database = target.pathname.slice(1);
  const path = `${target.searchParams.get('host')}/.s.PGSQL.5432`;
  const idle: Backend[] = [];
  const sockets = new Set<Socket>();

  async function openBackend(): Promise<Backend> {
    const socket = connect(path);
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(startupMessage({ user: 'linekeeper', database }));
    const backend: Backend = { socket, client: null, pending: Buffer.alloc(0) };
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        if (backend.client) backend.client.write(chunk);
        backend.pending = Buffer.concat([backend.pending, chunk]);
        if (!takeMessages(backend)) return;
        if (!backend.client) resolve();
        else idle.push(backend);
        backend.client = null;
      });
    });
    return backend;
  }

  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    let greeted = false;
    let lent: Promise<Backend> | null = null;
    client.on('data', (chunk: Buffer) => {
      if (!greeted) {
        greeted = true;
        client.write(greeting());
        return;
      }
      if (chunk[0] === 'X'.charCodeAt(0)) return void client.end();
      const before = lent;
      lent = (async () => {
        const held = await before;
        const backend = held && held.client === client ? held : (idle.pop() ?? (await openBackend()));
        backend.client = client;
        backend.socket.write(chunk);
        return backend;
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `postgres://linekeeper@127.0.0.1:${port}/${database}`,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Drops whole messages; true when the last of them was ReadyForQuery outside a transaction. */
function takeMessages(backend: Backend): boolean {
  let free = false;
  while (backend.pending.length >= 5) {
    const length = 1 + backend.pending.readUInt32BE(1);
    if (backend.pending.length < length) break;
    free = backend.pending[0] === 'Z'.charCodeAt(0) && backend.pending[5] === 'I'.charCodeAt(0);
    backend.pending = backend.pending.subarray(length);
  }
  return free;
}

function startupMessage(parameters: Record<string, string>): Buffer {
  const text = `${Object.entries(parameters).flat().join('\0')}\0\0`;
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + Buffer.byteLength(text), 0);
  head.writeUInt32BE(196_608, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** AuthenticationOk, a key nobody knows, ReadyForQuery. */
function greeting(): Buffer {
  return Buffer.from([
    0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x4b, 0, 0, 0, 12, 0x7f, 1, 2, 3, 4, 5, 6, 7, 0x5a, 0, 0, 0, 5, 0x49,
  ]);
}
