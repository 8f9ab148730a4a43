/**
 * `work/providers/router`: decides which chain a sync type goes to, from the registry of what the providers added. An unknown type is an answer, not a crash: the one who asked stores it as a routing failure and alerts. When the
 * router itself crashes its registry is made again; a question that was in its mailbox is answered by
 * its successor.
 */
import {
  createSyncTypes,
  type RoutingDecision,
  type SyncTypeEntry,
  type SyncTypeRegistry,
} from '../src/providers/registry.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec, Reply } from '../supervisors/types.ts';

export interface RouterMessage {
  readonly type: 'route';
  readonly syncType: string;
  readonly reply: Reply<RoutingDecision>;
}

interface RouterState {
  readonly registry: SyncTypeRegistry;
  routed: number;
  failed: number;
}

export interface RouterServices {
  /** What the providers of this release have added to the registry. */
  readonly syncTypes: readonly SyncTypeEntry[];
  readonly log: { info(fields: Record<string, unknown>, message: string): void };
}

export function router({ log, syncTypes }: RouterServices): ActorSpec<RouterMessage, RouterState> {
  return actor<RouterMessage, RouterState>({
    id: 'router',
    init: () => ({ registry: createSyncTypes(syncTypes), routed: 0, failed: 0 }),
    receive(state, { syncType, reply }) {
      const decision = state.registry.decide(syncType);
      state[decision.result] += 1;
      log.info({ ...decision }, 'routing decision');
      reply(decision);
      return state;
    },
    describe: (state) => ({
      syncTypes: state.registry.list().map((entry) => entry.syncType),
      routed: state.routed,
      failed: state.failed,
    }),
  });
}
