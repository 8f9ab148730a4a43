/** The records that a file has already shown, by their keys. */
export type Sighting =
  | 'new'
  /** The same content again. */
  | 'same'
  /** Other content that wins: the line at `earlierLine` is to be left out. */
  | 'conflict'
  /** Other content of a lower version than the one before. */
  | 'older';

export interface SeenRecords {
  /** Line of the earlier, differing record after `conflict`. */
  readonly earlierLine: number;
  /** Notes the record whose key is `bytes` from `from` to before `to`. Of equal versions the last in file order wins. `line` is at least 1. */
  note(bytes: Uint8Array, from: number, to: number, high: number, low: number, line: number, version: number): Sighting;
}
