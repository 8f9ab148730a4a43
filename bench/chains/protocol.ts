/**
 * What the bench and the processes of a contender say to each other. Every contender is one or more processes of their
 * own (node-process.ts); the bench orders, and asks the database itself when everything is done.
 */

export type Work =
  /** Four steps that do nothing. */
  | 'four'
  /** Four steps that each write one row of their own. */
  | 'own'
  /** One step that does nothing. */
  | 'single';

/** Where a contender works; its first and only argument at its start. */
export interface Order {
  readonly contender: string;
  readonly variant: string;
  readonly work: Work;
  /** Of a database of its own with its schema in place. */
  readonly url: string;
  /** Socket of the Redis server. */
  readonly redis: string;
}

export interface EnqueueOrder {
  readonly ms: number;
  /** How many callers wait for one answer each. */
  readonly callers: number;
  /** How many one call brings; 1: the door for single ones. */
  readonly bulk: number;
}

export interface Enqueued {
  readonly made: number;
  readonly ms: number;
}

/** What a contender's module gives its process. Times are `wallMs`. */
export interface Contender {
  /**
   * Makes so many chains at once, and resolves to when they were there to be worked on. A contender whose workers wait for
   * `go` may give the time after making them.
   */
  preload(chains: number): Promise<number>;
  /** Work begins, or what was begun by `preload` is looked at now. */
  go(): Promise<void>;
  /** What is preloaded next waits for the next `go`, if this contender can do that. */
  hold(): Promise<void>;
  enqueue(order: EnqueueOrder): Promise<Enqueued>;
  /** Opens one chain, and calls back when its last step has run. */
  open(onLastStep: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Opens a contender; `ran` is called for each step that has run. */
export type OpenContender = (order: Order, ran: () => void) => Promise<Contender>;

export type Call =
  | { readonly call: 'preload'; readonly chains: number }
  | { readonly call: 'go' | 'hold' | 'close' }
  | { readonly call: 'enqueue'; readonly order: EnqueueOrder }
  | { readonly call: 'latency'; readonly chains: number; readonly everyMs: number };

export type ToContender = Call & { readonly id: number };

export type FromContender =
  | { readonly told: 'ready' }
  | { readonly told: 'ran'; readonly steps: number }
  | { readonly told: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly told: 'failure'; readonly id: number; readonly error: string };

/** Comparable between the processes of one machine. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
