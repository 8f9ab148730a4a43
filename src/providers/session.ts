/**
 * Leave to open one session with a provider, given by the provider's actor, or how long to wait before asking again. What a
 * session does outside is the business of who holds it; how often, and with which token, goes through here.
 */

/**
 * What became of a session. `unavailable`: the network or the other side failed, which its breaker counts. `refused`: it
 * answered, and a person has to act. `waiting`: it asked for patience, or we had none to give, which is no trouble.
 */
export type SessionResult = 'ok' | 'unavailable' | 'refused' | 'waiting';

/** `later`: not now, and why; the step is rejected and waits in the database. */
export type Later = { readonly kind: 'later'; readonly reason: string; readonly afterMs: number };

/** An access token as its provider gave it. */
export interface AccessToken {
  readonly value: string;
  /** By the node's monotonic clock: when it is not used any more. */
  readonly untilMs: number;
}

export interface ProviderSession {
  /** Asked before every request. */
  permit(): Promise<{ readonly kind: 'granted' } | Later>;
  /** The provider asked for patience: until then nobody asks it, on any node. */
  pauseAll(afterMs: number, why: string): Promise<void>;
  /** The token that the last session with this credential left, if it had one. */
  readonly token: AccessToken | null;
  /** For the next session with the same credential; null: the provider does not take it any more. */
  keepToken(token: AccessToken | null): void;
  /** Only the first call counts. */
  release(result: SessionResult): void;
}

export type SessionAnswer = { readonly kind: 'granted'; readonly session: ProviderSession } | Later;
