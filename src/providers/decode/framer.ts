/** Cuts a file's bytes into records and gives them to the intake. */
import type { HeaderFacts } from './header.ts';
import type { Trailer } from './trailer.ts';

export interface Framer {
  /** Chunks of any size. Throws `FileRefused`. */
  push(chunk: Uint8Array): void;
  /** The file is whole. Throws `FileRefused` when it is not. */
  end(): Framed;
}

export interface Framed {
  readonly header: HeaderFacts;
  readonly trailer: Trailer | null;
  /** Of all bytes before the trailer. */
  readonly crc: number;
  readonly lines: number;
  readonly notices: readonly string[];
}
