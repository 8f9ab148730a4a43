/** A subscriber's number however it was written: `31612345678`, `+31612345678`, `0031612345678`, `0612345678`. */
import { paddedDigits } from './digits.ts';
import type { DecodedRecord } from './record.ts';

const plus = 43;
const zero = 48;
const homeCountry = '31';

/** Notes in the record where its E.164 digits stand; -1 digits when it is no number, 0 when it is blank. */
export function readMsisdn(bytes: Uint8Array, from: number, length: number, record: DecodedRecord): void {
  let skip = 0;
  record.msisdnCountry = '';
  if (bytes[from] === plus && length > 0) skip = 1;
  else if (bytes[from] === zero && length > 1) {
    skip = bytes[from + 1] === zero ? 2 : 1;
    if (skip === 1) record.msisdnCountry = homeCountry;
  }
  record.msisdnFrom = from + skip;
  record.msisdnDigits = paddedDigits(bytes, from + skip, length - skip);
}
