/** The call codes of SP16X by number, 0 to 9999, so that the decoder by hand needs no string per record. */
import { callCategories, roamingCallCodes } from '../../../src/providers/kpn-sp16/call-codes.ts';

export const unknownCategory = 'unknown';

/** An SMS record with a visited network is roaming too, unless that network is Dutch. */
export const homeCountryCode = '204';

export interface CallCode {
  readonly code: string;
  readonly category: string;
  readonly roaming: boolean;
}

export const callCodes: readonly CallCode[] = Array.from({ length: 10_000 }, (_, number) => {
  const code = String(number).padStart(4, '0');
  return { code, category: callCategories[code] ?? unknownCategory, roaming: roamingCallCodes.includes(code) };
});
