/**
 * The columns of `cdr` in the order in which the decoder's spool file has them (COPY text format, `\N` for null). The
 * import step's SQL and the worker's writer both take the order from here.
 */
export const cdrSpoolColumns = [
  'line_no',
  'record_key',
  'original_key',
  'correction',
  'content_hash',
  'cycle_start',
  'msisdn',
  'kind',
  'call_code',
  'category',
  'b_hash',
  'b_prefix',
  'b_masked',
  'visited',
  'started_at',
  'local_start',
  'ambiguous',
  'shifted',
  'usage_s',
  'usage_octets',
  'usage_count',
  'provider_amount_e8',
  'vat_code',
  'in_bundle',
  'provider_version',
] as const;

/** What the rate step exports (`copy (select …) to stdout`, text format), read in (started_at, record_key) order. */
export const ratingSpoolColumns = [
  'id',
  'msisdn',
  'kind',
  'category',
  'b_prefix',
  'visited',
  'start_ms',
  'usage_s',
  'usage_octets',
  'usage_count',
  'provider_amount_e8',
] as const;

/** What the rating task writes for `copy rated_cdr (…) from stdin`; contract, cycle and run are added by the task's arguments. */
export const ratedSpoolColumns = [
  'contract_id',
  'cycle_start',
  'rating_run_id',
  'cdr_id',
  'tariff_version_id',
  'rule',
  'billed_usage',
  'amount_e8',
  'status',
  'reason',
  'allowance_used',
  'finding',
] as const;
