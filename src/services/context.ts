/** What the services behind the doors work with; put together by main. */

import type { AlertService } from '../alerts/open-alerts.ts';
import type { Archive } from '../archive/archive.ts';
import type { Engine } from '../chains/engine.ts';
import type { Enqueue } from '../chains/enqueue.ts';
import type { AnyDefinition } from '../chains/registry.ts';
import type { ComputePool } from '../compute/pool.ts';
import type { Availability } from '../database/availability.ts';
import type { HostsView } from '../database/hosts/hosts.ts';
import type { Database } from '../database/session.ts';
import type { Log } from '../log/log.ts';
import type { Provider } from '../providers/built-in.ts';
import type { RoutingDecision, SyncTypeEntry } from '../providers/registry.ts';
import type { RedisSignals } from '../signals/redis.ts';
import type { Finding } from './findings.ts';
import type { LiveNode } from './nodes.ts';

export interface ServiceContext {
  readonly database: Database;
  readonly availability: Pick<Availability, 'state'>;
  /** Null without `redis.url`. */
  readonly redis: Pick<RedisSignals, 'state' | 'status'> | null;
  /** What is known of the database's hosts; null while there are none. */
  readonly hosts: () => HostsView | null;
  /** Whether this release's schema is in place. */
  readonly isPrepared: () => boolean;
  readonly alerts: AlertService;
  readonly compute: Pick<ComputePool, 'status' | 'run'>;
  /** Heap of one compute thread; what a thread may keep beside it for a pass over a file. */
  readonly taskMemoryMb: number;
  readonly log: Pick<Log, 'error'>;
  /** For what is made again when it is lost. */
  readonly spoolDirectory: string;
  /** What the router knows. */
  readonly syncTypes: readonly SyncTypeEntry[];
  readonly definitions: readonly AnyDefinition[];
  readonly archive: Pick<Archive, 'put' | 'remove'>;
  readonly providers: readonly Provider[];
  readonly enqueue: Enqueue;
  /** Null while the engine is being restarted. */
  readonly engine: () => Engine | null;
  readonly route: (syncType: string) => Promise<RoutingDecision>;
  /** After a commit that let work go on: this node looks at the rows, and others hear of the chains that are named. */
  readonly wake: (...chainIds: readonly string[]) => void;
  /** What the auditor found last; null before its first look. */
  readonly findings: () => { readonly lookedMsAgo: number; readonly list: readonly Finding[] } | null;
  readonly release: string;
  /** Of the last look at the database, which may be old; empty before it. */
  readonly nodes: () => readonly LiveNode[];
  readonly startedAt: Date;
}
