/**
 * `linekeeper signal adopt`: after a move of the database or of Redis, lets the owner of the Redis prefix go, so that the
 * next node that looks has it. It speaks to Redis itself: a service that may not have the prefix does not run. The owner has
 * to be named, as the refused start names it, and an owner that lives takes the prefix back.
 */
import { redisUrl } from '../config/redis-url.ts';
import { type Owner, ownerOf, releasePrefix } from '../signals/prefix-owner.ts';
import { openRedis, type RedisClient } from '../signals/redis-client.ts';
import type { CliIo, CommonOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { configOf } from './load-config.ts';
import { printJson, printLine } from './print.ts';

const answerMs = 3_000;
/** Longer than the owner's heartbeat. */
const watchMs = 3_000;
const lookEveryMs = 250;

export async function signalAdopt(io: CliIo, { from, ...options }: CommonOptions & { from: string }): Promise<number> {
  const config = configOf(io, options);
  const url = redisUrl(config, io.env);
  if (url === null) throw new CliError(exitCode.configuration, 'redis.url is not set: there is no prefix to adopt');
  const { prefix } = config.redis;
  const client = await open(url);
  try {
    const { found, released } = await releasePrefix(client, prefix, from, answerMs);
    if (found && !released) {
      throw new CliError(
        exitCode.failed,
        `the Redis prefix ${prefix} belongs to application ${shown(found)}, not to ${from}`,
      );
    }
    const owner = found ? await nextOwner(io, client, prefix) : null;
    if (owner?.id === from) {
      const way = 'it is still running: stop it first, or set redis.prefix to another one';
      throw new CliError(
        exitCode.failed,
        `application ${shown(owner)} has taken the Redis prefix ${prefix} back; ${way}`,
      );
    }
    if (options.json) printJson(io, { prefix, released, owner: owner?.id ?? null });
    else
      printLine(
        io,
        `${sentence(prefix, from, released)}; ${owner ? `now it is ${shown(owner)}'s` : 'the next node that starts has it'}`,
      );
    return exitCode.ok;
  } finally {
    client.destroy();
  }
}

async function open(url: string): Promise<RedisClient> {
  try {
    return await openRedis({ url }, 'linekeeper:adopt', answerMs);
  } catch (error) {
    throw new CliError(exitCode.unreachable, (error as Error).message, { cause: error });
  }
}

/** Null: nobody has taken it within the time of a heartbeat. */
async function nextOwner(io: CliIo, client: RedisClient, prefix: string): Promise<Owner | null> {
  const beganMs = io.nowMs();
  for (;;) {
    const owner = await ownerOf(client, prefix, answerMs);
    if (owner || io.nowMs() - beganMs > watchMs) return owner;
    await io.sleep(lookEveryMs);
  }
}

function sentence(prefix: string, from: string, released: boolean): string {
  return released
    ? `the Redis prefix ${prefix} was let go of by ${from}`
    : `the Redis prefix ${prefix} belongs to nobody`;
}

function shown({ id, about }: Owner): string {
  return `${id}${about}`;
}
