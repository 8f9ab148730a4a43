/** A webhook receiver on loopback that keeps what it got and answers as told. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Notice } from '../../src/alerts/channel.ts';

export interface Receiver {
  readonly url: string;
  readonly got: (Notice & { source: string })[];
  /** Answers of the next requests; 200 when empty. `hang` never answers. */
  readonly answers: (number | 'hang')[];
  /** Settles when so many notices have arrived in total. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function openReceiver(): Promise<Receiver> {
  const got: Receiver['got'] = [];
  const answers: Receiver['answers'] = [];
  const waiters: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      got.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      const answer = answers.shift() ?? 200;
      if (answer !== 'hang') response.writeHead(answer).end('thanks');
      for (const waiter of waiters) if (got.length >= waiter.count) waiter.resolve();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-path`,
    got,
    answers,
    arrived: (count) =>
      got.length >= count ? Promise.resolve() : new Promise((resolve) => waiters.push({ count, resolve })),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
