/**
 * W3C trace context, version 00: `00-<32 hex trace id>-<16 hex span id>-<2 hex flags>`. A chain row keeps one, so that a
 * trace outlives delays, nodes and restarts. Reading never throws: what is not a traceparent reads as null.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
import { randomBytes as cryptoBytes } from 'node:crypto';

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

export type RandomBytes = (length: number) => Buffer;

const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A new root: a new trace with its first span, sampled. */
export function makeTraceparent(randomBytes: RandomBytes = cryptoBytes): string {
  return formatTraceparent({ traceId: hexId(16, randomBytes), spanId: hexId(8, randomBytes), sampled: true });
}

/** Null for anything that is not a valid version 00 traceparent, all-zero ids included. */
export function parseTraceparent(text: string | null | undefined): TraceParent | null {
  const match = pattern.exec(text ?? '');
  if (!match) return null;
  const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A new span in the parent's trace; a new root when the parent cannot be read. */
export function childTraceparent(parent: string | null | undefined, randomBytes: RandomBytes = cryptoBytes): string {
  const parsed = parseTraceparent(parent);
  if (!parsed) return makeTraceparent(randomBytes);
  return formatTraceparent({ ...parsed, spanId: hexId(8, randomBytes) });
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** All-zero ids are invalid, so a draw of zeros is drawn again. */
function hexId(bytes: number, randomBytes: RandomBytes): string {
  for (;;) {
    const id = randomBytes(bytes).toString('hex');
    if (!/^0+$/.test(id)) return id;
  }
}
