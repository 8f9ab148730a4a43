/** `linekeeper status`: health, then the tree. Exit code as `health`. */
import type { ActorSnapshot } from '../../supervisors/types.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printHealth, readHealth } from './health.ts';
import { printJson, printLine } from './print.ts';
import { printTree } from './tree.ts';

export async function status(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const health = await readHealth(client);
  const tree = await client.get<ActorSnapshot>('/tree');
  if (options.json) {
    printJson(io, { health, tree });
  } else {
    await printHealth(io, health);
    printLine(io, '');
    printTree(io, tree);
  }
  return health.status === 'failing' ? exitCode.failed : exitCode.ok;
}
