/** Providers that never answer: one whose port is open and says nothing, one that lets a client log in and then falls silent. */
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { makeHostKey } from '../../simulator/sftp-server.ts';

export interface SilentServer {
  readonly port: number;
  /** That are open now. */
  connections(): number;
  stop(): Promise<void>;
}

export function silentTcp(): Promise<SilentServer> {
  return listening(createServer({ pauseOnConnect: false }), (socket) => void socket.resume());
}

/** Takes any password. */
export async function silentSftp(): Promise<SilentServer & { readonly hostKeySha256: string }> {
  const key = makeHostKey();
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) throw parsed;
  const digest = createHash('sha256').update(parsed.getPublicSSH()).digest('base64').replace(/=+$/, '');
  const ssh = new ssh2.Server({ hostKeys: [key] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (attempt) => {
      if (attempt.method === 'password') attempt.accept();
      else attempt.reject(['password']);
    });
    // an SFTP session that hears every request and answers none
    client.on('session', (accept) =>
      accept().on('sftp', (open) => {
        // without a listener ssh2 would say by itself that it does not know the request
        const session = open();
        for (const request of ['OPENDIR', 'READDIR', 'OPEN', 'STAT', 'LSTAT', 'REALPATH'] as const) {
          session.on(request as 'OPENDIR', () => {});
        }
      }),
    );
  });
  const server = await listening(createServer(), (socket) => ssh.injectSocket(socket));
  return { ...server, hostKeySha256: `SHA256:${digest}` };
}

async function listening(server: Server, take: (socket: Socket) => void): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    take(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
