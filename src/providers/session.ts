/** Leave to open one session with a provider, given by the provider's actor, or how long to wait before asking again. */

/**
 * What became of a session. `unavailable`: the network or the other side failed, which its breaker counts. `refused`: it
 * answered, and a person has to act. `waiting`: it asked for patience, which is no trouble.
 */
export type SessionResult = 'ok' | 'unavailable' | 'refused' | 'waiting';

export interface ProviderSession {
  /** Only the first call counts. */
  release(result: SessionResult): void;
}

export type SessionAnswer =
  | { readonly kind: 'granted'; readonly session: ProviderSession }
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs: number };
