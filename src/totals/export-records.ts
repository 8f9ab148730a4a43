/**
 * The COPY statement of a cycle's own active records, or of those that adjust one closed cycle, in the order in which they
 * are rated. Throws unless given an id and dates.
 */
export function exportRecords(contractId: string, cycleStart: string, adjusts: string | null = null): string {
  if (
    !/^\d+$/.test(contractId) ||
    [cycleStart, adjusts ?? cycleStart].some((date) => !/^\d{4}-\d{2}-\d{2}$/.test(date))
  ) {
    throw new Error(`contract ${contractId}, cycle ${cycleStart}: not an id and a date`);
  }
  return `copy (
    select id, msisdn, kind, category, b_prefix, visited, (extract(epoch from started_at) * 1000)::bigint,
      usage_s, usage_octets, usage_count, provider_amount_e8
    from cdr where contract_id = ${contractId} and cycle_start = '${cycleStart}' and state = 'active'
      and adjusts_cycle ${adjusts === null ? 'is null' : `= '${adjusts}' and reverses_cdr is null`}
    order by started_at, record_key) to stdout`;
}
