/**
 * `work/providers/router`: decides which chain a sync type goes to, from a registry that the providers add to when they
 * start. An unknown type is an answer, not a crash: the one who asked stores it as a routing failure and alerts. When the
 * router itself crashes its registry is made again from the known types; a question that was in its mailbox is answered by
 * its successor.
 */
import {
  createSyncTypes,
  knownSyncTypes,
  type RoutingDecision,
  type SyncTypeEntry,
  type SyncTypeRegistry,
} from '../src/providers/registry.ts';
import { actor } from '../supervisors/actor.ts';
import type { ActorSpec, Reply } from '../supervisors/types.ts';

export type RouterMessage =
  | { readonly type: 'route'; readonly syncType: string; readonly reply: Reply<RoutingDecision> }
  | { readonly type: 'register'; readonly entry: SyncTypeEntry };

interface RouterState {
  readonly registry: SyncTypeRegistry;
  routed: number;
  failed: number;
}

export interface RouterServices {
  readonly log: { info(fields: Record<string, unknown>, message: string): void };
}

export function router({ log }: RouterServices): ActorSpec<RouterMessage, RouterState> {
  return actor<RouterMessage, RouterState>({
    id: 'router',
    init: () => ({ registry: createSyncTypes(knownSyncTypes), routed: 0, failed: 0 }),
    receive(state, message) {
      switch (message.type) {
        case 'register':
          state.registry.add(message.entry);
          return state;
        case 'route': {
          const decision = state.registry.decide(message.syncType);
          state[decision.result] += 1;
          log.info({ ...decision }, 'routing decision');
          message.reply(decision);
          return state;
        }
      }
    },
    describe: (state) => ({
      syncTypes: state.registry.list().map((entry) => entry.syncType),
      routed: state.routed,
      failed: state.failed,
    }),
  });
}
