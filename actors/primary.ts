/**
 * The tree of the primary process: order is start order, stop is its exact reverse. It holds no work of its own: admin
 * socket, the embedded PostgreSQL if there is one (it belongs to the outermost process), the node processes and what
 * watches them. A node that cannot be kept running takes the whole cluster down to exit 70, in order.
 */
import { supervisor } from '../supervisors/tree.ts';
import type { ChildSpec, SupervisorSpec } from '../supervisors/types.ts';

export interface PrimaryParts {
  readonly observability: readonly ChildSpec[];
  readonly infrastructure: readonly ChildSpec[];
  readonly processes: readonly ChildSpec[];
  readonly guardians: readonly ChildSpec[];
}

const leaf = { intensity: 5, periodMs: 60_000 };
/** Processes that crash one after the other cost more than actors do. */
const processes = { intensity: 8, periodMs: 300_000 };
const root = { intensity: 1, periodMs: 600_000 };

export function primaryTree(parts: PrimaryParts): SupervisorSpec {
  return supervisor({
    id: 'root',
    strategy: 'rest_for_one',
    ...root,
    children: [
      supervisor({ id: 'observability', ...leaf, children: parts.observability }),
      supervisor({ id: 'infrastructure', ...leaf, children: parts.infrastructure }),
      supervisor({ id: 'processes', ...processes, children: parts.processes }),
      supervisor({ id: 'guardians', ...leaf, children: parts.guardians }),
    ],
  });
}
