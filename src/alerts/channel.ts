/** What a channel is: a way to tell a person. The webhook is the first; others implement the same. */
import type { AlertInput } from './alerts.ts';

/** What is told. Times are ISO text in UTC; nothing personal. */
export interface Notice {
  readonly status: 'open' | 'reminder' | 'resolved' | 'test';
  readonly rule: string;
  readonly subject: string;
  readonly level: AlertInput['level'];
  readonly message: string;
  readonly detail: Record<string, unknown>;
  readonly occurrences: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface Channel {
  /** For logs and `alert test`, such as `webhook ops.example.org`. Never a secret. */
  readonly name: string;
  /**
   * Tells it once. Resolves when the receiver took it. Throws `ChannelRefusedError` when trying again is useless, any
   * other error when it may help; ends soon after `signal` aborts.
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

/** The receiver said no in a way that will not change by itself: a wrong address, a revoked key. */
export class ChannelRefusedError extends Error {
  override readonly name = 'ChannelRefusedError';
}
