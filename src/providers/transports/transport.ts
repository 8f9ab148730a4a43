/**
 * How files come from a provider, whatever the wire. A transport is opened for one step, lists what is there, and streams
 * files; it holds no state of its own. Errors it foresees are `TransportError`s that say whether trying again can help.
 */
import type { Readable } from 'node:stream';

export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
}

export interface Transport {
  /** Plain files of the directory, markers included, in name order. */
  list(): Promise<readonly RemoteFile[]>;
  /** The content of a small file such as a marker; at most 4 KiB. */
  readSmall(name: string): Promise<string>;
  /** Streams one file. */
  open(name: string): Promise<Readable>;
  close(): Promise<void>;
}

/**
 * `unavailable`: the network or the other side; try again later. `refused`: credentials, host key or rights; a person has
 * to act, the profile is suspended.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly effect: 'unavailable' | 'refused';
  constructor(effect: 'unavailable' | 'refused', message: string, options?: ErrorOptions) {
    super(message, options);
    this.effect = effect;
  }
}

/** A name that comes from outside must stay inside its directory. */
export function assertPlainName(name: string): void {
  if (name === '' || name.includes('/') || name.includes('\0') || name === '.' || name === '..') {
    throw new TransportError('refused', `file name ${JSON.stringify(name)} is not a plain name; it was not touched`);
  }
}
