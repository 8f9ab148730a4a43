/** What the interpreter's commands need from the process; handed in, so that a step reaches for nothing global. */
import type { Alerts } from '../../alerts/alerts.ts';
import type { Archive } from '../../archive/archive.ts';
import type { ComputePool } from '../../compute/pool.ts';
import type { SessionAnswer } from '../session.ts';
import type { FileTransportDescription } from '../transports/open-transport.ts';
import type { Transport } from '../transports/transport.ts';

export interface InterpreterServices {
  readonly archive: Archive;
  readonly compute: ComputePool;
  readonly alerts: Alerts;
  /** The abort of `signal` ends the connection at once. */
  readonly openTransport: (description: FileTransportDescription, signal: AbortSignal) => Promise<Transport>;
  /**
   * Asks the provider's actor for leave to open a session; what is granted must be given back with what became of it.
   * `credential`: whose access token it may use; null when there is none.
   */
  readonly acquireSession: (credential: string | null) => Promise<SessionAnswer>;
  readonly hooks: ProviderHooks;
}

/** Code of a provider's own, where data does not reach; most have none. */
export interface ProviderHooks {
  /** Why the head of a fetched file says otherwise than its name; null when it does not, or nobody can tell. */
  readonly misnamed?: (path: string, name: string, account: string) => string | null;
}
