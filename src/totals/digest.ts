/**
 * The digest of a generation: sha256 over its sorted rows. Only names that are the same in every database take part, no
 * ids, so that a disturbed and an undisturbed run can be compared.
 */

/** SQL aggregate over `total_usage u`, hex. */
export const digestOfRows = `encode(sha256(convert_to(coalesce(string_agg(concat_ws(' ', u.msisdn, u.category, u.records, u.unrated, u.usage_s,
      u.usage_octets, u.usage_count, u.amount_e8, u.provider_amount_e8), E'\\n' order by u.msisdn collate "C", u.category collate "C"), ''),
      'UTF8')), 'hex')`;
