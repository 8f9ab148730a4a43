/**
 * SP16X as data: the positions of every field, 1-based and inclusive as the file's description counts them (domain.md
 * section 5.1). The layout is OURS, invented to be realistic; a user with the real file changes this table, not the decoder.
 */
export interface Position {
  readonly from: number;
  readonly to: number;
}

/** Bytes of a line without its CRLF; ISO-8859-1, one byte a character. */
export const lineLength = 200;
export const layoutVersion = '0103';

export const headerLayout = {
  type: { from: 1, to: 2 },
  account: { from: 3, to: 12 },
  seq: { from: 13, to: 18 },
  periodFrom: { from: 19, to: 26 },
  periodTo: { from: 27, to: 34 },
  created: { from: 35, to: 48 },
  currency: { from: 49, to: 51 },
  layout: { from: 52, to: 55 },
  previousSeq: { from: 56, to: 61 },
  previousCrc: { from: 62, to: 69 },
} as const satisfies Record<string, Position>;

/** Lines 10, 20, 30; 40 and 50 have `id`, `msisdn`, `from`, `to`, `amount`, `vat`, correction and text of it. */
export const recordLayout = {
  type: { from: 1, to: 2 },
  id: { from: 3, to: 14 },
  msisdn: { from: 15, to: 29 },
  /** Dialled number; in 30 the APN's name. */
  dialled: { from: 30, to: 53 },
  start: { from: 54, to: 67 },
  dst: { from: 68, to: 68 },
  /** Seconds; in 20 the number of messages. */
  usage: { from: 69, to: 76 },
  callCode: { from: 77, to: 80 },
  visited: { from: 81, to: 86 },
  amount: { from: 87, to: 98 },
  vat: { from: 99, to: 100 },
  bundle: { from: 101, to: 101 },
  correction: { from: 102, to: 102 },
  originalId: { from: 103, to: 114 },
  text: { from: 115, to: 154 },
  octets: { from: 155, to: 169 },
  /** First and last day of a charge, in 40 and 50. */
  chargeFrom: { from: 54, to: 61 },
  chargeTo: { from: 62, to: 69 },
} as const satisfies Record<string, Position>;

export const trailerLayout = {
  type: { from: 1, to: 2 },
  records: { from: 3, to: 10 },
  sum: { from: 11, to: 26 },
  crc: { from: 27, to: 34 },
} as const satisfies Record<string, Position>;
