/**
 * What the provider asked for a cycle's records beside what the purchase tariff says, record by record: the two spool files of a
 * rating stand in the same order. A record without a price in the purchase tariff cannot be compared; it is counted apart.
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Tx } from '../../database/session.ts';
import { ratedSpoolColumns, ratingSpoolColumns } from '../../telecom/cdr-columns.ts';
import type { RatedCycle } from '../../totals/rate-cycles.ts';

export interface PurchaseCheck {
  readonly cycleStart: string;
  readonly records: number;
  readonly unpriced: number;
  readonly differing: number;
  /** Of the records that can be compared, 1e-8 EUR. */
  readonly statedE8: bigint;
  readonly ownE8: bigint;
}

const stated = { id: ratingSpoolColumns.indexOf('id'), amount: ratingSpoolColumns.indexOf('provider_amount_e8') };
const own = {
  id: ratedSpoolColumns.indexOf('cdr_id'),
  amount: ratedSpoolColumns.indexOf('amount_e8'),
  status: ratedSpoolColumns.indexOf('status'),
};

/** `directory`: where the cycle was rated. Throws when the files are not of the same records. */
export async function comparePurchase(
  directory: string,
  { cycleStart, ratedPath }: Pick<RatedCycle, 'cycleStart' | 'ratedPath'>,
): Promise<PurchaseCheck> {
  const recordLines = linesOf(join(directory, `records-${cycleStart}.copy`));
  let [records, unpriced, differing, statedE8, ownE8] = [0, 0, 0, 0n, 0n];
  for await (const line of linesOf(ratedPath)) {
    const rated = line.split('\t');
    const record = ((await recordLines.next()).value ?? '').split('\t');
    if (record[stated.id] !== rated[own.id]) {
      throw new Error(`cycle ${cycleStart}: rated record ${rated[own.id]} stands beside record ${record[stated.id]}`);
    }
    records += 1;
    if (rated[own.status] === 'unrated') {
      unpriced += 1;
      continue;
    }
    const [asked, priced] = [BigInt(record[stated.amount]!), BigInt(rated[own.amount]!)];
    if (asked !== priced) differing += 1;
    statedE8 += asked;
    ownE8 += priced;
  }
  return { cycleStart, records, unpriced, differing, statedE8, ownE8 };
}

async function* linesOf(path: string): AsyncGenerator<string, undefined> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) yield line;
  return undefined;
}

const upsert = `
  insert into reseller_purchase (contract_id, cycle_start, records, unpriced, differing, stated_e8, own_e8)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (contract_id, cycle_start) do update set records = excluded.records, unpriced = excluded.unpriced,
    differing = excluded.differing, stated_e8 = excluded.stated_e8, own_e8 = excluded.own_e8, checked_at = now()`;

export async function storeCheck(tx: Tx, contractId: string, check: PurchaseCheck): Promise<void> {
  await tx.query(upsert, [
    contractId,
    check.cycleStart,
    check.records,
    check.unpriced,
    check.differing,
    check.statedE8.toString(),
    check.ownE8.toString(),
  ]);
}
