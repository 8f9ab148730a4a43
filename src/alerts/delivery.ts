/**
 * Brings notices to the channels. Each channel has a queue of its own and sends one notice at a time, so a receiver that
 * hangs delays nobody but itself. A failed try is repeated after 1, 2 and 4 s (half of it random), then given up and
 * logged; what was not taken by any channel is offered again by the caller's next round. A queue holds 1,000 notices; the
 * oldest is dropped, said in the log.
 */
import type { Log } from '../log/log.ts';
import { type Channel, ChannelRefusedError, type Notice } from './channel.ts';
import type { AlertClock } from './clock.ts';

const mostQueued = 1_000;

export interface Delivery {
  /** Resolves to true as soon as one channel took it, to false when every channel has given up. Never rejects. */
  offer(notice: Notice): Promise<boolean>;
  /** Settles when nothing is on its way. */
  idle(): Promise<void>;
  /** Ends what is on its way; later offers are answered false. */
  close(): void;
}

export interface DeliveryOptions {
  readonly channels: readonly Channel[];
  readonly log: Log;
  readonly clock: AlertClock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Waits between tries. Default 1,000, 2,000 and 4,000 ms. */
  readonly retryDelaysMs?: readonly number[];
}

interface Item {
  readonly notice: Notice;
  readonly settle: (taken: boolean) => void;
}

export function openDelivery(options: DeliveryOptions): Delivery {
  const { channels, log, clock, random, retryDelaysMs = [1_000, 2_000, 4_000] } = options;
  const ending = new AbortController();
  const lanes = channels.map((channel) => ({ channel, queue: [] as Item[], busy: null as Promise<void> | null }));

  async function work(lane: (typeof lanes)[number]): Promise<void> {
    for (let item = lane.queue.shift(); item; item = lane.queue.shift()) {
      item.settle(await tell(lane.channel, item.notice));
    }
    lane.busy = null;
  }

  async function tell(channel: Channel, notice: Notice): Promise<boolean> {
    for (const delayMs of [...retryDelaysMs, null]) {
      if (ending.signal.aborted) return false;
      try {
        await channel.send(notice, ending.signal);
        return true;
      } catch (error) {
        const last = delayMs === null || error instanceof ChannelRefusedError || ending.signal.aborted;
        const fields = { channel: channel.name, rule: notice.rule, subject: notice.subject, error };
        if (last) {
          log.error(fields, `the alert could not be told through ${channel.name}`);
          return false;
        }
        await clock.sleep(delayMs * (0.5 + random() / 2), ending.signal);
      }
    }
    return false;
  }

  return {
    offer(notice) {
      if (ending.signal.aborted || lanes.length === 0) return Promise.resolve(false);
      return new Promise((resolve) => {
        let left = lanes.length;
        const settle = (taken: boolean) => {
          left -= 1;
          if (taken || left === 0) resolve(taken);
        };
        for (const lane of lanes) {
          if (lane.queue.length >= mostQueued) {
            lane.queue.shift()?.settle(false);
            log.error(
              { channel: lane.channel.name },
              `the queue of ${lane.channel.name} is full; its oldest alert was dropped`,
            );
          }
          lane.queue.push({ notice, settle });
          lane.busy ??= work(lane);
        }
      });
    },
    async idle() {
      while (lanes.some((lane) => lane.busy !== null)) await Promise.all(lanes.map((lane) => lane.busy));
    },
    close() {
      ending.abort();
      for (const lane of lanes) for (const item of lane.queue.splice(0)) item.settle(false);
    },
  };
}
