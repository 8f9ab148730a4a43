/**
 * `work/providers/<sync type>`: owns what a provider's chains share: how many sessions may be open at once, and how the
 * provider has been answering. Trouble here never touches another provider. A crash forgets the open sessions; their
 * owners give them back to nobody, which is harmless, and the limit counts anew.
 */

import type { SyncTypeEntry } from '../src/providers/registry.ts';
import type { ProviderSession, SessionResult } from '../src/providers/session.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec, Reply } from '../supervisors/types.ts';

export type ProviderMessage =
  | { readonly type: 'acquire'; readonly reply: Reply<ProviderSession | null> }
  | { readonly type: 'released'; readonly result: SessionResult };

interface ProviderState {
  open: number;
  granted: number;
  denied: number;
  consecutiveTrouble: number;
}

export interface ProviderServices {
  readonly entry: SyncTypeEntry;
  readonly maxSessions: number;
}

/** The path segment of a sync type's actor: `KPN_SP16` lives at `kpn-sp16`. */
export function providerId(syncType: string): string {
  return syncType.toLowerCase().replaceAll('_', '-');
}

export function provider(services: ProviderServices): ActorSpec<ProviderMessage, ProviderState> {
  return actor<ProviderMessage, ProviderState>({
    id: providerId(services.entry.syncType),
    init: () => ({ open: 0, granted: 0, denied: 0, consecutiveTrouble: 0 }),
    receive(state, message, context) {
      switch (message.type) {
        case 'acquire': {
          if (state.open >= services.maxSessions) {
            message.reply(null);
            return { ...state, denied: state.denied + 1 };
          }
          let held = true;
          message.reply({
            release(result) {
              if (!held) return;
              held = false;
              context.self.send({ type: 'released', result });
            },
          });
          return { ...state, open: state.open + 1, granted: state.granted + 1 };
        }
        case 'released': {
          const consecutiveTrouble = message.result === 'ok' ? 0 : state.consecutiveTrouble + 1;
          return { ...state, open: Math.max(0, state.open - 1), consecutiveTrouble };
        }
      }
    },
    describe: (state) => ({ ...state, maxSessions: services.maxSessions }),
  });
}
