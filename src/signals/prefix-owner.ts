/**
 * Who a key prefix belongs to: one key that the first application writes and never changes. Two applications on one prefix
 * would take each other's hints, and later each other's copies. The owner is the installation's uuid with the database's
 * system identifier, so that a copied database is another owner; after a move that was meant, `linekeeper signal adopt`
 * lets go of the old one.
 */
import type { RedisClient } from './redis-client.ts';

export interface Application {
  /** Compared; never changes. */
  readonly id: string;
  /** For people: which database, such as `linekeeper at db1`. */
  readonly about: string;
}

/** Another application owns the prefix. Says who, and the way out. */
export class PrefixOwnedError extends Error {
  override readonly name = 'PrefixOwnedError';
  readonly owner: string;
  constructor(prefix: string, owner: Owner, own: Application) {
    super(
      `the Redis prefix ${prefix} belongs to application ${owner.id}${owner.about}, and this one is ${own.id} (${own.about}); ` +
        `set redis.prefix to one of your own, or, after a move of the database or of Redis, run: linekeeper signal adopt --from ${owner.id}`,
    );
    this.owner = owner.id;
  }
}

export interface Owner {
  readonly id: string;
  readonly about: string;
}

/** All keys of a prefix share one slot of Redis Cluster. */
export function keysOf(prefix: string): { readonly stream: string; readonly owner: string } {
  return { stream: `{${prefix}}:signals`, owner: `{${prefix}}:owner` };
}

/** Takes the prefix when it is nobody's, and throws `PrefixOwnedError` when it is another's. Resolves to Redis's clock. */
export async function claimPrefix(
  client: RedisClient,
  prefix: string,
  { id, about }: Application,
  { sinceMs, timeoutMs }: { readonly sinceMs: number; readonly timeoutMs: number },
): Promise<number> {
  const key = keysOf(prefix).owner;
  const mine = JSON.stringify({ application: id, about, since: new Date(sinceMs).toISOString() });
  const [, text, time] = await client.callAll(timeoutMs, [['SET', key, mine, 'NX'], ['GET', key], ['TIME']]);
  const owner = readOwner(text);
  if (owner && owner.id !== id) throw new PrefixOwnedError(prefix, owner, { id, about });
  const [seconds, micros] = time as [string, string];
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
}

/** What is in the key, also when somebody else wrote it. Null: nobody's. */
function readOwner(text: unknown): Owner | null {
  if (typeof text !== 'string') return null;
  try {
    const { application, about, since } = JSON.parse(text) as Record<string, unknown>;
    if (typeof application === 'string') return { id: application, about: ` (${clean(about)}, since ${clean(since)})` };
  } catch {
    // not ours; shown as it is
  }
  return { id: clean(text), about: '' };
}

/** Null: nobody. */
export async function ownerOf(client: RedisClient, prefix: string, timeoutMs: number): Promise<Owner | null> {
  return readOwner(await client.call(timeoutMs, 'GET', keysOf(prefix).owner));
}

/** Lets go of the prefix when `from` owns it, in one step. Resolves to the owner that it found; null: nobody. */
export async function releasePrefix(
  client: RedisClient,
  prefix: string,
  from: string,
  timeoutMs: number,
): Promise<{ readonly found: Owner | null; readonly released: boolean }> {
  const key = keysOf(prefix).owner;
  const text = await client.call(timeoutMs, 'GET', key);
  const found = readOwner(text);
  if (found?.id !== from) return { found, released: false };
  const gone = await client.call(timeoutMs, 'EVAL', deleteIfSame, 1, key, String(text));
  return { found, released: gone === 1 };
}

const deleteIfSame = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

function clean(text: unknown): string {
  return String(text ?? 'unknown')
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, 200);
}
