/**
 * `work/providers/<sync type>`: owns what a provider's chains share on this node: how many sessions are open at once, the
 * requests that it was granted of the limit of all nodes, its breaker, and the access tokens of its credentials. Trouble here
 * never touches another provider. A crash forgets sessions, requests and tokens: their owners give back to nobody, which is
 * harmless, the limit counts anew, and the next session logs in.
 */
import { afterSession, type BreakerState, begun, closedBreaker } from '../src/providers/limits/breaker.ts';
import type { SharedLimit } from '../src/providers/limits/shared-limit.ts';
import type { SyncTypeEntry } from '../src/providers/registry.ts';
import type { AccessToken, Later, ProviderSession, SessionAnswer, SessionResult } from '../src/providers/session.ts';
import type { LimitsSpec } from '../src/providers/spec/adapter.ts';
import { actor, ask } from '../supervisors/tree.ts';
import type { ActorRef, ActorSpec, Reply } from '../supervisors/types.ts';

export type Permit = { readonly kind: 'granted' } | Later;

export type ProviderMessage =
  /** `credential`: whose token the session may use; null when it has none. */
  | { readonly type: 'acquire'; readonly credential: string | null; readonly reply: Reply<SessionAnswer> }
  | { readonly type: 'permit'; readonly reply: Reply<Permit> }
  | { readonly type: 'pause'; readonly afterMs: number; readonly why: string; readonly reply: Reply<null> }
  | { readonly type: 'token'; readonly credential: string; readonly token: AccessToken | null }
  | { readonly type: 'released'; readonly result: SessionResult };

interface ProviderState {
  readonly open: number;
  readonly granted: number;
  readonly denied: number;
  readonly requests: number;
  /** Granted requests that were not used yet, and until when they may be. */
  readonly slice: { readonly left: number; readonly untilMs: number };
  readonly breaker: BreakerState;
  readonly tokens: ReadonlyMap<string, AccessToken>;
}

export interface ProviderServices {
  readonly entry: SyncTypeEntry;
  readonly maxSessions: number;
  readonly breaker: LimitsSpec['breaker'];
  readonly limit: SharedLimit;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** What is not used by then goes to other nodes. */
const sliceLifeMs = 2_000;
const sessionsFullMs = 5_000;
const askDeadlineMs = 5_000;

/** The path segment of a sync type's actor: `KPN_SP16` lives at `kpn-sp16`. */
export function providerId(syncType: string): string {
  return syncType.toLowerCase().replaceAll('_', '-');
}

export function provider(services: ProviderServices): ActorSpec<ProviderMessage, ProviderState> {
  const { entry, limit, nowMs, maxSessions } = services;

  /** At most one statement, when the slice is used up. */
  async function refill(state: ProviderState): Promise<ProviderState | Later> {
    const { left, untilMs } = state.slice;
    if (left > 0 && nowMs() < untilMs) return state;
    const answer = await limit.take();
    if (answer.kind === 'later') return answer;
    return { ...state, slice: { left: answer.requests, untilMs: nowMs() + sliceLifeMs } };
  }

  return actor<ProviderMessage, ProviderState>({
    id: providerId(entry.syncType),
    init: () => ({
      open: 0,
      granted: 0,
      denied: 0,
      requests: 0,
      slice: { left: 0, untilMs: 0 },
      breaker: closedBreaker,
      tokens: new Map(),
    }),
    async receive(state, message, context) {
      switch (message.type) {
        case 'acquire': {
          const deny = (reason: string, afterMs: number) => {
            message.reply({ kind: 'later', reason, afterMs });
            return { ...state, denied: state.denied + 1 };
          };
          if (state.open >= maxSessions) return deny('all sessions of the provider are in use', sessionsFullMs);
          const breaker = begun(state.breaker, services.breaker);
          if (!breaker) return deny(`${entry.syncType} was away; one session tries whether it is back`, sessionsFullMs);
          const filled = await refill(state);
          if ('kind' in filled) return deny(filled.reason, filled.afterMs);
          message.reply({ kind: 'granted', session: sessionOf(context.self, message.credential, state.tokens) });
          return { ...filled, breaker, open: state.open + 1, granted: state.granted + 1 };
        }
        case 'permit': {
          const filled = await refill(state);
          if ('kind' in filled) {
            message.reply(filled);
            return state;
          }
          message.reply({ kind: 'granted' });
          const slice = { ...filled.slice, left: filled.slice.left - 1 };
          return { ...filled, slice, requests: state.requests + 1 };
        }
        case 'pause': {
          await limit.close(message.afterMs, message.why);
          message.reply(null);
          return { ...state, slice: { left: 0, untilMs: 0 } };
        }
        case 'token': {
          const tokens = new Map(state.tokens);
          if (message.token) tokens.set(message.credential, message.token);
          else tokens.delete(message.credential);
          return { ...state, tokens };
        }
        case 'released': {
          const { state: breaker, trips } = afterSession(state.breaker, message.result, services.breaker);
          if (trips) {
            const why = `${entry.syncType} failed ${breaker.failures} times in a row; it is left alone until then`;
            await limit.close(services.breaker.openMs, why);
          }
          const slice = trips ? { left: 0, untilMs: 0 } : state.slice;
          return { ...state, open: Math.max(0, state.open - 1), breaker, slice };
        }
      }
    },
    describe: ({ open, granted, denied, requests, breaker, tokens }) => ({
      ...{ open, granted, denied, requests, maxSessions },
      consecutiveTrouble: breaker.failures,
      tokens: tokens.size,
    }),
  });
}

function sessionOf(
  self: ActorRef<ProviderMessage>,
  credential: string | null,
  tokens: ReadonlyMap<string, AccessToken>,
): ProviderSession {
  let held = true;
  return {
    token: (credential === null ? null : tokens.get(credential)) ?? null,
    permit: () =>
      ask(self, (reply: Reply<Permit>): ProviderMessage => ({ type: 'permit', reply }), {
        deadlineMs: askDeadlineMs,
      }).catch((error: Error) => ({ kind: 'later' as const, reason: error.message, afterMs: sessionsFullMs })),
    async pauseAll(afterMs, why) {
      const question = (reply: Reply<null>): ProviderMessage => ({ type: 'pause', afterMs, why, reply });
      await ask(self, question, { deadlineMs: askDeadlineMs }).catch(() => null);
    },
    keepToken(token) {
      if (credential !== null) self.send({ type: 'token', credential, token });
    },
    release(result) {
      if (!held) return;
      held = false;
      self.send({ type: 'released', result });
    },
  };
}
