/**
 * One connection to Redis; the only file that knows ioredis. It never connects again by itself: whoever opened it sees its
 * end, and every command has a deadline after which the connection is destroyed, because a host that fell silent would hold
 * it for a quarter of an hour. With Redis Cluster it goes where the key lives, as the server says.
 */
import { Redis } from 'ioredis';

export interface RedisClient {
  /** Rejects with Redis's own error, or after `timeoutMs` without an answer; then the connection is gone too. */
  call(timeoutMs: number, command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** Several in one go; rejects with the first error of any. */
  callAll(timeoutMs: number, commands: readonly (readonly (string | number)[])[]): Promise<unknown[]>;
  /** Resolves with the reason once the connection is gone. */
  readonly gone: Promise<Error>;
  destroy(): void;
}

/** The connection is lost, refused or silent. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError';
}

export interface RedisPlace {
  readonly url: string;
  /** Where Redis Cluster said that the keys are, as host:port. */
  readonly movedTo?: string;
}

export async function openRedis(place: RedisPlace, name: string, timeoutMs: number): Promise<RedisClient> {
  const gone = Promise.withResolvers<Error>();
  let reason = new RedisAwayError('the connection to Redis was closed');
  const redis = new Redis(addressOf(place), {
    lazyConnect: true,
    connectionName: name,
    protocol: 2,
    disableClientInfo: true,
    // a Redis that loads says so to the first command; the check would need a right, and complains past the log without it
    enableReadyCheck: false,
    // a connection that is given up is not said goodbye to: the other side may be gone
    disconnectTimeout: 0,
    connectTimeout: timeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    retryStrategy: null,
  });
  redis.on('error', (error: Error) => {
    delete (error as { command?: unknown }).command;
    reason = new RedisAwayError(wordsFor(error), { cause: error });
  });
  redis.on('close', () => gone.resolve(reason));
  const destroy = () => {
    redis.disconnect();
    // before connect() there is no stream
    (redis.stream as Redis['stream'] | undefined)?.destroy();
  };

  async function within<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
    const late = Promise.withResolvers<never>();
    let settled = false;
    const giveUp = () => {
      if (settled) return;
      reason = new RedisAwayError(`Redis did not answer ${what} within ${limitMs} ms`);
      late.reject(reason);
      gone.resolve(reason);
      destroy();
    };
    // not before the sockets were read once more: it may be this process that was busy, and the answer is there
    const timer = setTimeout(() => setImmediate(giveUp), limitMs);
    try {
      return await Promise.race([work, late.promise]);
    } catch (error) {
      throw error instanceof RedisAwayError ? error : cleaned(error as Error);
    } finally {
      settled = true;
      clearTimeout(timer);
    }
  }

  /** ioredis puts the command with its arguments into an error, and those of AUTH are secret. */
  function cleaned(error: Error): Error {
    delete (error as { command?: unknown }).command;
    if (isReply(error)) return error;
    return reason.cause ? reason : new RedisAwayError(wordsFor(error), { cause: error });
  }

  try {
    await within(redis.connect(), timeoutMs, 'the connection');
  } catch (error) {
    destroy();
    throw error;
  }
  return {
    call: (limitMs, command, ...args) => within(redis.call(command, ...args.map(String)), limitMs, command),
    async callAll(limitMs, commands) {
      const pipeline = redis.pipeline();
      for (const [command, ...args] of commands) pipeline.call(String(command), ...args.map(String));
      const answers = await within(pipeline.exec(), limitMs, String(commands[0]?.[0]));
      return (answers ?? []).map(([error, answer]) => {
        if (error) throw cleaned(error);
        return answer;
      });
    },
    gone: gone.promise,
    destroy,
  };
}

/** What Redis itself answered, such as NOGROUP or MOVED; a lost connection is none. */
export function isReply(error: unknown, ...codes: readonly string[]): error is Error {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return false;
  return codes.length === 0 || codes.some((code) => error.message.startsWith(code));
}

/** Where the keys are, from Redis Cluster's answer; null for any other error. */
export function movedTo(error: unknown): string | null {
  return isReply(error, 'MOVED ') ? (error.message.split(' ')[2] ?? null) : null;
}

/** An empty host is the one that was asked. */
function addressOf({ url, movedTo }: RedisPlace): string {
  if (movedTo === undefined) return url;
  const address = new URL(url);
  const colon = movedTo.lastIndexOf(':');
  const host = movedTo.slice(0, Math.max(0, colon));
  if (host !== '') address.hostname = host.includes(':') ? `[${host}]` : host;
  address.port = movedTo.slice(colon + 1);
  return address.href;
}

function wordsFor(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return `Redis cannot be reached: ${code && !error.message.includes(code) ? `${code} ` : ''}${error.message || error.name}`;
}
