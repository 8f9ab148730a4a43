/** What was thrown, if an end came of that. */
import type { EndReason } from './types.ts';

export function errorOf(reason: EndReason): Error | undefined {
  return reason.kind === 'crash' || reason.kind === 'gave-up' ? reason.error : undefined;
}

/** The reason of an abort signal: what was thrown, else the word for the end. */
export function abortReasonOf(reason: EndReason): Error {
  return errorOf(reason) ?? new Error(reason.kind);
}
