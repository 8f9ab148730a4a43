/** Pauses as the doors set, show and end them. */
import { ServiceError } from '../admin/service-error.ts';
import type { By } from '../admin/services.ts';
import type { PauseView } from '../admin/views.ts';
import { endPause, listPauses, type Pause, PauseError, setPause } from '../chains/pause.ts';
import type { ServiceContext } from './context.ts';

export function pauseServices(context: ServiceContext) {
  const { database, syncTypes } = context;
  const scopes = {
    chains: [
      ...new Set([...context.definitions, ...syncTypes.map(({ chain }) => ({ name: chain }))].map((one) => one.name)),
    ],
    providers: syncTypes,
  };
  return {
    pauses: async (): Promise<readonly PauseView[]> => (await listPauses(database)).map(pauseView),
    async setPause({ by, scope, why, until }: By & Pick<Pause, 'scope' | 'why' | 'until'>): Promise<PauseView> {
      try {
        return pauseView(await setPause(database, scopes, { scope, by, why, until }));
      } catch (error) {
        if (error instanceof PauseError) throw new ServiceError('refused', error.message, { cause: error });
        throw error;
      }
    },
    async endPause({ scope }: By & { scope: string }): Promise<void> {
      if (!(await endPause(database, scope))) {
        const scopesNow = (await listPauses(database)).map((pause) => pause.scope).join(', ') || 'none';
        throw new ServiceError('not-found', `nothing is paused under ${scope}; paused now: ${scopesNow}`);
      }
      context.wake();
    },
  };
}

function pauseView({ scope, by, why, since, until }: Pause): PauseView {
  return { scope, by, why, since: since.toISOString(), until: until?.toISOString() ?? null };
}
