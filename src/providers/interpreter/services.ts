/** What the interpreter's commands need from the process; handed in, so that a step reaches for nothing global. */
import type { Alerts } from '../../alerts/alerts.ts';
import type { Archive } from '../../archive/archive.ts';
import type { ComputePool } from '../../compute/pool.ts';
import type { ProviderSession, SessionAnswer } from '../session.ts';
import type { DiscoverPages } from '../spec/discover.ts';
import type { FileTransportDescription } from '../transports/open-transport.ts';
import type { RestSession } from '../transports/rest.ts';
import type { RestDescription } from '../transports/rest-description.ts';
import type { Transport } from '../transports/transport.ts';

export interface InterpreterServices {
  readonly archive: Archive;
  readonly compute: ComputePool;
  readonly alerts: Alerts;
  /** The abort of `signal` ends the connection at once. */
  readonly openTransport: (description: FileTransportDescription, signal: AbortSignal) => Promise<Transport>;
  /** Nothing is asked before the first `get`. */
  readonly openRest: (
    description: RestDescription,
    spec: DiscoverPages,
    session: ProviderSession,
    signal: AbortSignal,
  ) => RestSession;
  /**
   * Asks the provider's actor for leave to open a session; what is granted must be given back with what became of it.
   * `credential`: whose access token it may use; null when there is none.
   */
  readonly acquireSession: (credential: string | null) => Promise<SessionAnswer>;
}
