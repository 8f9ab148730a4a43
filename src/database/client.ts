/**
 * One connection of a pool. pg-pool keeps one address for good and has one timeout for connecting and for waiting in its queue;
 * this client asks its place where the database is now, and connecting has a shorter bound of its own.
 */
import pg from 'pg';
import type { Place } from './place.ts';

const connectTimeoutMs = 5_000;

export class QuickClient extends pg.Client {
  /** Null: the place had none. */
  readonly url: string | null;
  readonly #refused: Error | null;

  constructor({ place, ...config }: pg.ClientConfig & { readonly place: Place }) {
    const { url, refused } = addressOf(place);
    super({ ...config, connectionString: url ?? 'postgres://nowhere', connectionTimeoutMillis: connectTimeoutMs });
    this.url = url;
    this.#refused = refused;
  }

  /** The constructor must not throw what the place says: the pool also makes clients in callbacks of its own. */
  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.Client> | undefined {
    const refused = this.#refused;
    if (refused) {
      if (!callback) return Promise.reject(refused);
      process.nextTick(callback, refused);
      return undefined;
    }
    if (!callback) return super.connect();
    super.connect(callback);
    return undefined;
  }
}

/** Where a connection of a pool leads. */
export function urlOf(client: pg.ClientBase): string {
  return (client as unknown as QuickClient).url!;
}

function addressOf(place: Place): { url: string | null; refused: Error | null } {
  try {
    return { url: place.url(), refused: null };
  } catch (error) {
    return { url: null, refused: error as Error };
  }
}
