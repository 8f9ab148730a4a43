/**
 * How far this node's clock is from the database's. Schedules, leases and timers go by the database's clock, but log lines
 * and the names of files go by the node's, and a person compares the two.
 */
import type { Alerts } from '../alerts/alerts.ts';
import type { Database } from '../database/session.ts';

export interface ClockReading {
  /** Positive: this node is ahead. */
  readonly offsetMs: number;
  /** Half the round trip: the offset is right within it. */
  readonly withinMs: number;
}

export interface ClockWatch {
  /** One reading: kept in the node's row, alerted above the limit, resolved below it. Null: the round trip says nothing. */
  check(): Promise<ClockReading | null>;
}

export interface ClockWatchOptions {
  readonly database: Pick<Database, 'query'>;
  readonly alerts: Pick<Alerts, 'raise' | 'resolve'>;
  /** How the node is called in alerts. */
  readonly node: () => string;
  /** Its row; null while it has none. */
  readonly bootId: () => string | null;
  readonly wallMs: () => number;
  /** Default 30,000. */
  readonly limitMs?: number;
}

/** A longer round trip waited for a session or a lock. */
const longestRoundTripMs = 5_000;

export async function readClock(database: Pick<Database, 'query'>, wallMs: () => number): Promise<ClockReading | null> {
  const beganMs = wallMs();
  const [row] = await database.query<{ atMs: number }>(readTime);
  const endedMs = wallMs();
  const roundTripMs = endedMs - beganMs;
  // below zero: the clock was set meanwhile
  if (roundTripMs < 0 || roundTripMs > longestRoundTripMs) return null;
  return { offsetMs: Math.round(beganMs + roundTripMs / 2 - row!.atMs), withinMs: roundTripMs / 2 };
}

export function watchClock(options: ClockWatchOptions): ClockWatch {
  const { database, alerts, node, bootId, wallMs, limitMs = 30_000 } = options;
  /** Null before the first reading: a process before this one may have left the alert open. */
  let wasOff: boolean | null = null;
  return {
    async check() {
      const reading = await readClock(database, wallMs);
      if (!reading) return null;
      const id = bootId();
      if (id !== null) await database.query(keep, [id, reading.offsetMs]);
      const isOff = Math.abs(reading.offsetMs) - reading.withinMs > limitMs;
      if (isOff) alerts.raise(alertOf(node(), reading, limitMs));
      else if (wasOff !== false) alerts.resolve('node.clock-offset', node());
      wasOff = isOff;
      return reading;
    },
  };
}

function alertOf(node: string, { offsetMs }: ClockReading, limitMs: number) {
  const seconds = (Math.abs(offsetMs) / 1_000).toFixed(1);
  return {
    rule: 'node.clock-offset',
    subject: node,
    level: 'warning' as const,
    message: `the clock of node ${node} is ${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} the database's, more than ${limitMs / 1_000} s: set one of them right. Schedules go by the database's, log lines by the node's`,
    detail: { offsetMs },
  };
}

const readTime = `select (extract(epoch from clock_timestamp()) * 1000)::float8 as "atMs"`;

const keep = 'update node set clock_offset_ms = $2 where id = $1';
