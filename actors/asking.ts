/** What steps ask actors: which provider a sync goes to, and a session with it. They wait until the tree stands. */
import type { RoutingDecision } from '../src/providers/registry.ts';
import type { SessionAnswer } from '../src/providers/session.ts';
import { ask, type Root } from '../supervisors/tree.ts';
import type { Reply } from '../supervisors/types.ts';
import { type ProviderMessage, providerId } from './provider.ts';
import type { RouterMessage } from './router.ts';

export interface Asking {
  readonly route: (syncType: string) => Promise<RoutingDecision>;
  /** `credential`: whose access token the session may use; null when it has none. */
  readonly acquireSession: (syncType: string, credential: string | null) => Promise<SessionAnswer>;
}

const askDeadlineMs = 5_000;

export function createAsking(started: Promise<Root>): Asking {
  const route = async (syncType: string): Promise<RoutingDecision> => {
    const ref = (await started).ref<RouterMessage>('work/providers/router');
    return ask(ref, (reply): RouterMessage => ({ type: 'route', syncType, reply }), { deadlineMs: askDeadlineMs });
  };
  const acquireSession = async (syncType: string, credential: string | null): Promise<SessionAnswer> => {
    const ref = (await started).ref<ProviderMessage>(`work/providers/${providerId(syncType)}`);
    let waiting = true;
    const question = (reply: Reply<SessionAnswer>): ProviderMessage => ({
      type: 'acquire',
      credential,
      // an answer that comes after the wait was given up holds a session that nobody would give back
      reply(answer) {
        if (waiting) reply(answer);
        else if (answer.kind === 'granted') answer.session.release('waiting');
      },
    });
    try {
      return await ask(ref, question, { deadlineMs: askDeadlineMs });
    } finally {
      waiting = false;
    }
  };
  return { route, acquireSession };
}
