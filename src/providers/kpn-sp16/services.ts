/** What the chain's steps need from the process; handed in by main, so that a step reaches for nothing global. */
import type { Alerts } from '../../alerts/alerts.ts';
import type { Archive } from '../../archive/archive.ts';
import type { ComputePool } from '../../compute/pool.ts';
import type { ProviderSession } from '../session.ts';
import type { TransportDescription } from '../transports/open-transport.ts';
import type { Transport } from '../transports/transport.ts';

export interface Sp16Services {
  readonly archive: Archive;
  readonly compute: ComputePool;
  readonly alerts: Alerts;
  /** The abort of `signal` ends the connection at once. */
  readonly openTransport: (description: TransportDescription, signal: AbortSignal) => Promise<Transport>;
  /**
   * Asks the provider's actor for leave to open a session; null when it has none to give now. The session must be given
   * back with what became of it, so that the actor can tell trouble of the provider from trouble of ours.
   */
  readonly acquireSession: () => Promise<ProviderSession | null>;
}
