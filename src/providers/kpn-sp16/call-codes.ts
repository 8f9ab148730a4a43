/** KPN SP16 call codes, version 0103 of the layout. A code that is not here is imported as `unknown` and stays unrated. */
export const callCategories: Readonly<Record<string, string>> = {
  '1000': 'national-fixed',
  '1100': 'national-mobile',
  '1200': 'on-net',
  '2000': 'international',
  '3000': 'roaming-eu-mo',
  '3010': 'roaming-eu-mt',
  '3100': 'roaming-world-mo',
  '3110': 'roaming-world-mt',
  '4000': 'freephone',
  '4100': 'premium',
  '4200': 'short-code',
  '5000': 'voicemail',
  '6000': 'data-national',
  '6100': 'data-eu',
  '6200': 'data-world',
  '7000': 'sms',
  '7100': 'sms-abroad',
  '7900': 'sms-premium',
};

/** Codes that mean roaming: their visited network must be there. */
export const roamingCallCodes: readonly string[] = ['3000', '3010', '3100', '3110', '6100', '6200'];
