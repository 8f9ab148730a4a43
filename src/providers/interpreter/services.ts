/** What the interpreter's commands need from the process; handed in, so that a step reaches for nothing global. */
import type { Alerts } from '../../alerts/alerts.ts';
import type { Archive } from '../../archive/archive.ts';
import type { ComputePool } from '../../compute/pool.ts';
import type { SessionAnswer } from '../session.ts';
import type { FileTransportDescription } from '../transports/open-transport.ts';
import type { Transport } from '../transports/transport.ts';
import type { Decoder } from './decoder.ts';

export interface InterpreterServices {
  readonly archive: Archive;
  readonly compute: ComputePool;
  readonly alerts: Alerts;
  readonly decoder: Decoder;
  /** The abort of `signal` ends the connection at once. */
  readonly openTransport: (description: FileTransportDescription, signal: AbortSignal) => Promise<Transport>;
  /** Asks the provider's actor for leave to open a session; what is granted must be given back with what became of it. */
  readonly acquireSession: () => Promise<SessionAnswer>;
}
