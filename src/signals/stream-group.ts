/** The group in which all nodes of an application read their stream, and its consumers. */
import { isReply, type RedisClient } from './redis-client.ts';

export const group = 'nodes';

/** From 0: what was published between a flush and this is heard too. Safe when it is there. */
export async function makeGroup(client: RedisClient, stream: string, timeoutMs: number): Promise<void> {
  try {
    await client.call(timeoutMs, 'XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM');
  } catch (error) {
    if (!isReply(error, 'BUSYGROUP')) throw error;
  }
}

/** Every boot is a consumer of its own; what a dead one held goes with it. One that lives comes back with its next read. */
export async function forgetConsumers(
  client: RedisClient,
  stream: string,
  idleMs: number,
  timeoutMs: number,
): Promise<void> {
  const consumers = (await client.call(timeoutMs, 'XINFO', 'CONSUMERS', stream, group)) as unknown[][];
  for (const fields of consumers) {
    const told = new Map<unknown, unknown>();
    for (let at = 0; at < fields.length; at += 2) told.set(fields[at], fields[at + 1]);
    if (Number(told.get('idle')) > idleMs) {
      await client.call(timeoutMs, 'XGROUP', 'DELCONSUMER', stream, group, String(told.get('name')));
    }
  }
}
