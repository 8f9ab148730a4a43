/** Leave to open one session with a provider, given by the provider's actor. */
export type SessionResult = 'ok' | 'unavailable' | 'refused';

export interface ProviderSession {
  release(result: SessionResult): void;
}
