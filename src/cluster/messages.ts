/**
 * What the primary and its node processes say to each other over the channel that `fork` gives them: plain JSON. A message
 * of an unknown type is left alone, so that a node of a newer release may say more than an older primary understands.
 */
import type { AlertInput } from '../alerts/alerts.ts';
import type { Config } from '../config/schema.ts';

/** The first message to a node: everything that it needs to be one. */
export interface NodeOrder {
  readonly type: 'order';
  /** 1 to N. */
  readonly index: number;
  /** It runs suspect chains and does nothing else. */
  readonly only?: 'suspects';
  /** As the primary read it, with this node's own places in it. */
  readonly config: Config;
  /** How often the primary must hear of proven work; null: it does not ask. */
  readonly watchdogMs: number | null;
  /** What is wrong with alerting, which is the primary's business. */
  readonly alertWarnings: readonly string[];
}

export interface ChannelTest {
  readonly channel: string;
  readonly ok: boolean;
  readonly error: string | null;
}

export type ToNode =
  | NodeOrder
  | { readonly type: 'signal'; readonly chainIds: readonly string[] }
  /** End in order: 0 for good, 75 to be started anew. */
  | { readonly type: 'stop'; readonly code: 0 | 75; readonly why: string }
  | { readonly type: 'answer'; readonly question: number; readonly value: unknown };

/** What a node asks and waits for. */
export type Question =
  | { readonly kind: 'flush-alerts'; readonly deadlineMs: number }
  | { readonly kind: 'test-alert'; readonly by: string };

export type FromNode =
  | { readonly type: 'ready'; readonly status: string }
  | { readonly type: 'status'; readonly status: string }
  /** The node's own work is proven (law 6). */
  | { readonly type: 'proof' }
  /** The database is up and has this release's schema. */
  | { readonly type: 'working' }
  | { readonly type: 'stopping'; readonly why: string }
  /** The database stayed away for `dependencyGiveUpMs`: the whole cluster ends, once. */
  | { readonly type: 'give-up'; readonly why: string }
  | { readonly type: 'ended'; readonly code: number; readonly why: string }
  | { readonly type: 'raise'; readonly alert: AlertInput }
  | { readonly type: 'resolve'; readonly rule: string; readonly subject: string }
  | { readonly type: 'signal'; readonly chainIds: readonly string[] }
  | { readonly type: 'ask'; readonly question: number; readonly about: Question };
