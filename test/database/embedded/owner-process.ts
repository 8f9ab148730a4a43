/**
 * A process that owns an embedded server, for tests that kill it. Prints one JSON line when the server is up, or one with
 * `refused`; `tell` on stdin is not needed: it ends when it is killed, and stops the server at SIGTERM.
 */
import { startEmbedded } from '../../../src/database/embedded/server.ts';

const [stateDirectory, systemDirectory] = process.argv.slice(2) as [string, string];
const lines: string[] = [];
const log = {
  info: (_: unknown, message: string) => void lines.push(message),
  warn: (_: unknown, message: string) => void lines.push(message),
};
try {
  const server = await startEmbedded({ stateDirectory, systemDirectory, log });
  const { url, pid, keeperPid, adopted } = server;
  process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
  console.log(JSON.stringify({ url, pid, keeperPid, adopted, lines }));
} catch (error) {
  console.log(JSON.stringify({ refused: (error as Error).message, lines }));
}
