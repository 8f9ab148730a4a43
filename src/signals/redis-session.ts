/**
 * One session with Redis: a connection for commands and one for the blocking read. It begins by owning the prefix, and ends
 * with the first thing that is not foreseen, a silence included: then both connections are destroyed and whoever opened it
 * opens the next. What a flush or an eviction takes away (NOGROUP, UNBLOCKED) is made again within it.
 *
 * All nodes of an application read one stream in one group, so an entry reaches one node. A node reads while it has room,
 * takes as many ids as that, and puts the rest back for the others. It acknowledges an entry when its engine has looked at
 * the rows after it.
 */
import type { Demand } from './demand.ts';
import type { Outbox } from './outbox.ts';
import { type Application, claimPrefix, keysOf } from './prefix-owner.ts';
import { isReply, movedTo, openRedis, type RedisClient, type RedisPlace } from './redis-client.ts';
import { type Entry, entriesOf, fieldsOf } from './stream-entry.ts';
import { forgetConsumers, group, makeGroup } from './stream-group.ts';

export interface Timing {
  /** Longest answer of any command; a read may take `blockMs` more. */
  readonly answerMs: number;
  readonly blockMs: number;
  readonly heartbeatMs: number;
  /** An entry that nobody had room for so long says nothing: who has room again has looked by himself. */
  readonly staleMs: number;
  /** A consumer that was not seen for so long is a process that is gone. */
  readonly forgetMs: number;
}

export const usualTiming: Timing = {
  answerMs: 2_000,
  blockMs: 5_000,
  heartbeatMs: 2_000,
  staleMs: 5_000,
  forgetMs: 3_600_000,
};

export interface SessionOptions {
  readonly url: string;
  readonly prefix: string;
  readonly application: Application;
  /** The process's boot id. */
  readonly consumer: string;
  readonly demand: Demand;
  readonly outbox: Outbox;
  readonly deliver: (chainIds: readonly string[]) => void;
  /** `demand.looks()` when this process last published. */
  readonly looksAtPublish: () => number;
  readonly timing: Timing;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Since 1970; only shown. */
  readonly wallMs: () => number;
}

export interface Session {
  /** Resolves with the reason once it is over. Nothing here rejects after that. */
  readonly ended: Promise<Error>;
  /** Sends what waits, and what comes while that is under way. */
  flush(): void;
  close(): void;
}

const idsPerEntry = 64;
const entriesPerFlush = 64;
/** About so many entries are kept; losing one is losing a hint. */
const mostEntries = 1_000;
/** Of the group, without an answer in between. */
const mostRemakes = 5;
/** A cluster that moves its keys while it is asked. */
const mostMoves = 3;

/** Throws what keeps it from beginning: `RedisAwayError`, `PrefixOwnedError`, or Redis's own error. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { answerMs } = options.timing;
  const { commands, place, clockMs } = await openAtKeys(options);
  try {
    await makeGroup(commands, keysOf(options.prefix).stream, answerMs);
    const reads = await openRedis(place, `linekeeper:${options.consumer}:read`, answerMs);
    return begin(options, commands, reads, clockMs);
  } catch (error) {
    commands.destroy();
    throw error;
  }
}

async function openAtKeys(options: SessionOptions) {
  const { consumer, timing } = options;
  let place: RedisPlace = { url: options.url };
  for (let moves = 0; ; moves += 1) {
    const commands = await openRedis(place, `linekeeper:${consumer}`, timing.answerMs);
    try {
      const clockMs = await own(commands, options);
      return { commands, place, clockMs };
    } catch (error) {
      commands.destroy();
      const address = movedTo(error);
      if (address === null || moves >= mostMoves) throw error;
      place = { url: options.url, movedTo: address };
    }
  }
}

/** Resolves to the difference between Redis's clock and ours. */
async function own(client: RedisClient, options: SessionOptions): Promise<number> {
  const { prefix, application, timing, wallMs, nowMs } = options;
  const sinceMs = wallMs();
  return (await claimPrefix(client, prefix, application, { sinceMs, timeoutMs: timing.answerMs })) - nowMs();
}

function begin(options: SessionOptions, commands: RedisClient, reads: RedisClient, clockAtStartMs: number): Session {
  const { consumer, demand, outbox, timing, nowMs } = options;
  const { answerMs, blockMs, heartbeatMs } = timing;
  const { stream } = keysOf(options.prefix);
  const ended = Promise.withResolvers<Error>();
  const over = new AbortController();
  /** Redis's clock, ahead of ours. */
  let clockMs = clockAtStartMs;
  let flushing = false;

  function end(error: unknown): void {
    if (over.signal.aborted) return;
    over.abort(error);
    clearInterval(heartbeat);
    commands.destroy();
    reads.destroy();
    ended.resolve(error as Error);
  }

  const heartbeat = setInterval(() => void beat(), heartbeatMs);
  let beating = false;
  async function beat(): Promise<void> {
    if (beating) return;
    beating = true;
    try {
      clockMs = await own(commands, options);
    } catch (error) {
      end(error);
    } finally {
      beating = false;
    }
  }

  let remade = 0;
  async function read(from: string, count: number): Promise<Entry[]> {
    const wait = from === '>' ? ['BLOCK', blockMs] : [];
    const limitMs = from === '>' ? blockMs + answerMs : answerMs;
    const args = ['GROUP', group, consumer, 'COUNT', count, ...wait, 'STREAMS', stream, from];
    try {
      const answer = await reads.call(limitMs, 'XREADGROUP', ...args);
      remade = 0;
      return entriesOf(answer);
    } catch (error) {
      // flushed or evicted, before or while it was read; again and again is a Redis that keeps nothing
      remade += 1;
      if (!isReply(error, 'NOGROUP', 'UNBLOCKED') || remade > mostRemakes) throw error;
      await makeGroup(commands, stream, answerMs);
      return [];
    }
  }

  async function acknowledge(entries: readonly Entry[]): Promise<void> {
    if (entries.length > 0) {
      await commands.call(answerMs, 'XACK', stream, group, ...entries.map(({ entryId }) => entryId));
    }
  }

  /** What a session before this one was given and did not get to. An entry that was trimmed since has no ids left. */
  async function takePending(): Promise<void> {
    for (let from = '0'; ; ) {
      const entries = await read(from, 100);
      const last = entries.at(-1);
      if (!last) return;
      const chainIds = entries.flatMap((entry) => entry.chainIds);
      if (chainIds.length > 0) options.deliver(chainIds);
      await acknowledge(entries);
      from = last.entryId;
    }
  }

  function isStale({ entryId }: Entry): boolean {
    return nowMs() + clockMs - Number(entryId.split('-')[0]) > timing.staleMs;
  }

  async function take(entry: Entry): Promise<void> {
    if (!isStale(entry) && entry.chainIds.length > 0) {
      const free = Math.max(0, demand.free());
      const rest = entry.chainIds.slice(free);
      if (rest.length > 0) {
        outbox.add(rest);
        flush();
      }
      if (free > 0) {
        // our own were heard here when they were published; the look that follows a hint fills the room
        const own = entry.by === consumer;
        const looks = own ? options.looksAtPublish() : demand.looks();
        if (!own) options.deliver(entry.chainIds.slice(0, free));
        await demand.looked(looks, over.signal);
      }
    }
    await acknowledge([entry]);
  }

  async function listen(): Promise<void> {
    await takePending();
    await forgetConsumers(commands, stream, timing.forgetMs, answerMs);
    for (;;) {
      await demand.wanted(over.signal);
      for (const entry of await read('>', 1)) await take(entry);
    }
  }

  async function send(): Promise<void> {
    while (outbox.waiting() > 0 && !over.signal.aborted) {
      const chainIds = outbox.take(idsPerEntry * entriesPerFlush);
      const adds: (string | number)[][] = [];
      for (let at = 0; at < chainIds.length; at += idsPerEntry) {
        const fields = fieldsOf(consumer, chainIds.slice(at, at + idsPerEntry));
        adds.push(['XADD', stream, 'MAXLEN', '~', mostEntries, '*', ...fields]);
      }
      try {
        await commands.callAll(answerMs, adds);
      } catch (error) {
        outbox.lost(chainIds.length);
        throw error;
      }
    }
  }

  function flush(): void {
    if (flushing || over.signal.aborted) return;
    flushing = true;
    send()
      .catch(end)
      .finally(() => {
        flushing = false;
      });
  }

  void commands.gone.then(end);
  void reads.gone.then(end);
  listen().catch(end);
  return { ended: ended.promise, flush, close: () => end(new Error('the session was closed')) };
}
