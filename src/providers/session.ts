/** Leave to open one session with a provider, given by the provider's actor. */
export type SessionResult = 'ok' | 'unavailable' | 'refused';

export interface ProviderSession {
  /** Only the first call counts. */
  release(result: SessionResult): void;
}
