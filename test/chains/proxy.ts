/**
 * A proxy between an engine and PostgreSQL that can lose exactly one answer: it passes a statement on, waits until the
 * server has answered, and cuts the connection instead of passing the answer back.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LossyProxy {
  readonly url: string;
  /** The next statement that contains `text` loses its answer. */
  loseAnswerTo(text: string): void;
  /** Answers lost so far. */
  lost(): number;
  close(): void;
}

export async function startProxy(url: string): Promise<LossyProxy> {
  const target = decodeURIComponent(/host=([^&]*)/.exec(url)![1]!);
  const directory = mkdtempSync(join(tmpdir(), 'lkp-'));
  const sockets = new Set<Socket>();
  let wanted: string | null = null;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = createConnection(join(target, '.s.PGSQL.5432'));
    let cutting = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (wanted !== null && bytes.includes(wanted)) {
        wanted = null;
        cutting = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!cutting) {
        client.write(bytes);
        return;
      }
      lost += 1;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(join(directory, '.s.PGSQL.5432'), resolve));
  return {
    url: url.replace(/host=[^&]*/, `host=${encodeURIComponent(directory)}`),
    loseAnswerTo(text) {
      wanted = text;
    },
    lost: () => lost,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
