/** Where a pool opens its sessions: asked anew for each of them, because the database may have moved to another host. */
import type { ReadSession } from './session.ts';

export interface Place {
  /** Throws `DatabaseDownError` while there is no host. */
  url(): string;
  /** Throws when a session that was just opened to `url` must not be used. */
  admit(url: string, query: ReadSession['query']): Promise<void>;
}

export function fixedPlace(url: string): Place {
  return { url: () => url, admit: async () => {} };
}
