/**
 * A TCP proxy between one service and PostgreSQL or Redis. It can fall silent (connections stay open and nobody is served,
 * as behind a lost route), be slow, and lose the answer to one statement: that is passed on, the server has answered, and the
 * connection is cut instead of passing the answer back.
 */
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { type Frontend, readFrontend } from './frontend.ts';

export interface Line {
  readonly port: number;
  connections(): number;
  /** From now on; resolves to nothing being served until `heal`. Returns how many connections were open. */
  fallSilent(): number;
  /** Every piece of data is passed on so much later; 0: at once. */
  slowDown(delayMs: number): void;
  /** Pieces that were passed on late. */
  delayed(): number;
  /** The next statement that contains `text` loses its answer. */
  loseAnswerTo(text: string): void;
  /** Answers lost so far. */
  lost(): number;
  /** Ends connections that fell silent and passes everything again. */
  heal(): void;
  close(): Promise<void>;
}

/** Where it leads. */
export type Target = { readonly path: string } | { readonly port: number; readonly host: string };

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly frontend: Frontend | null;
  /** Pieces on their way, in each direction: what comes later must not overtake them. */
  readonly late: Map<Socket, number>;
  cutting: boolean;
  frozen: boolean;
}

/** Only a proxy before PostgreSQL knows statements. */
export async function startProxy(target: Target, before: 'postgres' | 'redis'): Promise<Line> {
  const pairs = new Set<Pair>();
  let silent = false;
  let delayMs = 0;
  let lastDelayMs = 0;
  let delayed = 0;
  let wanted: string | null = null;
  let lost = 0;

  function pass(bytes: Buffer, pair: Pair, to: Socket): void {
    if (pair.frozen) return;
    const late = pair.late.get(to) ?? 0;
    if (delayMs === 0 && late === 0) {
      to.write(bytes);
      return;
    }
    delayed += 1;
    pair.late.set(to, late + 1);
    // the delay never shrinks while something is late, so timers end in the order in which they began
    setTimeout(
      () => {
        pair.late.set(to, pair.late.get(to)! - 1);
        if (!pair.frozen && !to.destroyed) to.write(bytes);
      },
      Math.max(delayMs, lastDelayMs),
    );
  }

  function fromClient(bytes: Buffer, pair: Pair): void {
    const texts = pair.frontend?.read(bytes) ?? [];
    if (wanted !== null && texts.some((text) => text.includes(wanted!))) {
      wanted = null;
      pair.cutting = true;
    }
    pass(bytes, pair, pair.upstream);
  }

  function fromServer(bytes: Buffer, pair: Pair): void {
    if (!pair.cutting) {
      pass(bytes, pair, pair.client);
      return;
    }
    lost += 1;
    pair.client.destroy();
  }

  const server = createServer((client) => {
    const upstream = createConnection(target as { port: number });
    const pair: Pair = {
      client,
      upstream,
      frontend: before === 'postgres' ? readFrontend() : null,
      late: new Map(),
      cutting: false,
      frozen: silent,
    };
    pairs.add(pair);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        // behind a lost route nobody hears that the other side has gone
        if (pair.frozen) return;
        end(pair);
      });
    }
    client.on('data', (bytes: Buffer) => fromClient(bytes, pair));
    upstream.on('data', (bytes: Buffer) => fromServer(bytes, pair));
  });

  function end(pair: Pair): void {
    pairs.delete(pair);
    pair.client.destroy();
    pair.upstream.destroy();
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => pairs.size,
    fallSilent() {
      silent = true;
      for (const pair of pairs) pair.frozen = true;
      return pairs.size;
    },
    slowDown(toMs) {
      delayMs = toMs;
      lastDelayMs = Math.max(lastDelayMs, toMs);
    },
    delayed: () => delayed,
    loseAnswerTo(text) {
      wanted = text;
    },
    lost: () => lost,
    heal() {
      silent = false;
      delayMs = 0;
      wanted = null;
      for (const pair of [...pairs]) if (pair.frozen) end(pair);
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const pair of [...pairs]) end(pair);
      await closed;
    },
  };
}
