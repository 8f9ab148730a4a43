/**
 * What a record's call code can mean, whatever provider it came from. A tariff rule may ask for these; `unknown` and the
 * amounts that a provider states itself (recurring, oneoff, credit) are never rated by a rule.
 */
export const usageCategories = [
  'national-fixed',
  'national-mobile',
  'on-net',
  'international',
  'roaming-eu-mo',
  'roaming-eu-mt',
  'roaming-world-mo',
  'roaming-world-mt',
  'freephone',
  'premium',
  'short-code',
  'voicemail',
  'data-national',
  'data-eu',
  'data-world',
  'sms',
  'sms-abroad',
  'sms-premium',
] as const;
