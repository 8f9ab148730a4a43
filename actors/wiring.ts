/** What the groups of a node's tree are wired from (`actors/node.ts` makes it, once for each process). */
import type { Ownership } from '../src/database/embedded/ownership.ts';
import type { Resources } from '../src/node/resources.ts';
import type { ServiceManager } from '../src/release/notify.ts';
import type { ServiceContext } from '../src/services/context.ts';
import type { LiveNode } from '../src/services/nodes.ts';
import type { Root } from '../supervisors/tree.ts';
import type { AuditorState } from './auditor.ts';
import type { EngineHolder } from './engine.ts';
import type { ReleaseGuardServices } from './release-guard.ts';

export interface NodeEnds {
  /** Only a person can mend it: exit code 78. */
  readonly onUnsuitable: (error: Error) => void;
  /** A dependency stayed away for too long: exit code 70. */
  readonly onGiveUp: (error: Error) => void;
  /** The node has lived long enough: exit code 75. */
  readonly onRecycle: (why: string) => void;
  /** How long running steps may take to end, once a stop has begun. */
  readonly drainMs: () => number;
}

/** What the auditor saw last. */
export interface Seen {
  audited: AuditorState | null;
  nodes: readonly LiveNode[];
}

/** A process for suspects runs chains and nothing else. */
export type NodeTask = 'everything' | 'suspects';

export interface Wiring {
  readonly resources: Resources;
  readonly ownership: Ownership;
  /** Resolves to the tree once it stands. */
  readonly started: Promise<Root>;
  readonly ends: NodeEnds;
  readonly manager: ServiceManager;
  readonly task: NodeTask;
  readonly openReleaseGuard: ReleaseGuardServices['open'];
  readonly context: ServiceContext;
  readonly holder: EngineHolder;
  readonly seen: Seen;
}
