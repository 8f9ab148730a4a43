/** `linekeeper tree`: the supervision tree with what restarted, waits or is stuck. */
import type { ActorSnapshot } from '../../supervisors/types.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine } from './print.ts';

export function printTree(io: CliIo, actor: ActorSnapshot, indent = '', last = true, top = true): void {
  const name = actor.path.slice(actor.path.lastIndexOf('/') + 1) || actor.path;
  const branch = top ? '' : `${indent}${last ? '└─ ' : '├─ '}`;
  printLine(io, `${branch}${name}  ${wordsFor(actor)}`);
  const below = top ? '' : `${indent}${last ? '   ' : '│  '}`;
  actor.children.forEach((child, i) => {
    printTree(io, child, below, i === actor.children.length - 1, false);
  });
}

function wordsFor(actor: ActorSnapshot): string {
  return [
    actor.state,
    typeof actor.about?.host === 'string' ? `on ${actor.about.host}` : '',
    actor.restarts > 0 ? `${count(actor.restarts)} restarts` : '',
    actor.queued > 0 ? `${count(actor.queued)} queued` : '',
    actor.dropped > 0 ? `${count(actor.dropped)} dropped` : '',
    actor.lastError === null ? '' : `last error: ${actor.lastError}`,
  ]
    .filter((word) => word !== '')
    .join(', ');
}

export async function tree(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const snapshot = await client.get<ActorSnapshot>('/tree');
  if (options.json) printJson(io, snapshot);
  else printTree(io, snapshot);
  return exitCode.ok;
}
