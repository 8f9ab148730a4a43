/**
 * W3C trace context, version 00: `00-<32 hex trace id>-<16 hex span id>-<2 hex flags>`. A chain row keeps one, so that a
 * trace outlives delays, nodes and restarts. Reading never throws: what is not a traceparent reads as null.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
import { randomFillSync } from 'node:crypto';

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

export type RandomBytes = (length: number) => Buffer;

/** All-zero ids are invalid. */
const pattern = /^00-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})$/;

// a call of the system for every id, and a buffer for each, cost more than the step that it names
const drawn = Buffer.allocUnsafe(4_096);
let drawnHex = '';
let used = 0;

function cryptoHex(bytes: number): string {
  if (used + 2 * bytes > drawnHex.length) {
    drawnHex = randomFillSync(drawn).toString('hex');
    used = 0;
  }
  used += 2 * bytes;
  return drawnHex.slice(used - 2 * bytes, used);
}

/** A new root: a new trace with its first span, sampled. */
export function makeTraceparent(randomBytes?: RandomBytes): string {
  return formatTraceparent({ traceId: hexId(16, randomBytes), spanId: hexId(8, randomBytes), sampled: true });
}

/** Null for anything that is not a valid version 00 traceparent, all-zero ids included. */
export function parseTraceparent(text: string | null | undefined): TraceParent | null {
  const match = pattern.exec(text ?? '');
  if (!match) return null;
  const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A new span in the parent's trace; a new root when the parent cannot be read. */
export function childTraceparent(parent: string | null | undefined, randomBytes?: RandomBytes): string {
  if (!parent || !pattern.test(parent)) return makeTraceparent(randomBytes);
  const flags = Number.parseInt(parent.slice(53), 16) & 1;
  return `${parent.slice(0, 36)}${hexId(8, randomBytes)}-0${flags}`;
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** All-zero ids are invalid, so a draw of zeros is drawn again. */
function hexId(bytes: number, randomBytes: RandomBytes | undefined): string {
  for (;;) {
    const id = randomBytes ? randomBytes(bytes).toString('hex') : cryptoHex(bytes);
    if (id.charCodeAt(0) !== 48 || !/^0+$/.test(id)) return id;
  }
}
