/**
 * The tree of one node (design.md section 3): order is start order, stop is its exact reverse. `rest_for_one` at the root:
 * when a group gives up, what was started after it goes down with it and comes back. Chains survive all of that, because
 * they are rows.
 */
import { supervisor } from '../supervisors/tree.ts';
import type { ChildSpec, SupervisorSpec } from '../supervisors/types.ts';

export interface TreeParts {
  readonly observability: readonly ChildSpec[];
  readonly infrastructure: readonly ChildSpec[];
  readonly chains: readonly ChildSpec[];
  readonly providers: readonly ChildSpec[];
  /** One, or none in a process that only runs chains. */
  readonly scheduler: readonly ChildSpec[];
  readonly guardians: readonly ChildSpec[];
}

/** Leaves may be restarted five times in a minute, groups three times in five minutes, the root once in ten. */
const leaf = { intensity: 5, periodMs: 60_000 };
const group = { intensity: 3, periodMs: 300_000 };
const root = { intensity: 1, periodMs: 600_000 };

export function nodeTree(parts: TreeParts): SupervisorSpec {
  return supervisor({
    id: 'root',
    strategy: 'rest_for_one',
    ...root,
    children: [
      supervisor({ id: 'observability', ...leaf, children: parts.observability }),
      supervisor({ id: 'infrastructure', ...leaf, children: parts.infrastructure }),
      supervisor({
        id: 'work',
        ...group,
        children: [
          // before the chains, which ask them: at a stop the steps that drain must still be answered, or they burn an attempt
          supervisor({ id: 'providers', ...leaf, children: parts.providers }),
          supervisor({ id: 'chains', ...leaf, children: parts.chains }),
          ...parts.scheduler,
        ],
      }),
      supervisor({ id: 'guardians', ...leaf, children: parts.guardians }),
    ],
  });
}
