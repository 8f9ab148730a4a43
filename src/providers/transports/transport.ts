/**
 * How files come from a provider, whatever the wire. A transport is opened for one step, lists what is there, and streams
 * files; it holds no state of its own. Errors it foresees are `TransportError`s that say whether trying again can help.
 */
import type { Readable } from 'node:stream';

export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  /** Epoch ms of the last change, as the other side tells it. */
  readonly changedMs: number;
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
 * `unavailable`: the network or the other side; try again later. `limited`: it asks for patience. `refused`: credentials, host
 * key, certificate or rights; a person has to act, the profile is suspended.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly effect: 'unavailable' | 'limited' | 'refused';
  /** How long to wait, where the other side said it. */
  readonly afterMs: number | undefined;
  /** The credential itself was refused: whoever else has it would be as well. */
  readonly ofCredential: boolean;
  /** It is about one file only: the others may be had. */
  readonly ofFile: boolean;
  constructor(
    effect: TransportError['effect'],
    message: string,
    options: ErrorOptions & { afterMs?: number; ofCredential?: boolean; ofFile?: boolean } = {},
  ) {
    super(message, options);
    this.effect = effect;
    this.afterMs = options.afterMs;
    this.ofCredential = options.ofCredential ?? false;
    this.ofFile = options.ofFile ?? false;
  }
}

/** A name that comes from outside must stay inside its directory. */
export function assertPlainName(name: string): void {
  if (name === '' || name.includes('/') || name.includes('\0') || name === '.' || name === '..') {
    throw new TransportError('refused', `file name ${JSON.stringify(name)} is not a plain name; it was not touched`, {
      ofFile: true,
    });
  }
}
