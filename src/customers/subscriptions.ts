/** What an operator tells of a contract's numbers. A SIM card's number is stored masked: it is for recognising, not for copying. */
import type { Tx } from '../database/session.ts';
import type { ContractEntry } from './document.ts';

const upsert = `
  insert into subscription (contract_id, msisdn, cost_centre, employee, product_code, icc_masked, valid, source)
  select $1, s.msisdn, s."costCentre", s.employee, s."productCode", s.icc_masked,
    case when s."validFrom" is not null or s."validTo" is not null then daterange(s."validFrom", s."validTo") end, 'manual'
  from jsonb_to_recordset($2::jsonb) as s (msisdn text, "costCentre" text, employee text, "productCode" text, icc_masked text,
    "validFrom" date, "validTo" date)
  on conflict (contract_id, msisdn) do update set cost_centre = excluded.cost_centre, employee = excluded.employee,
    product_code = excluded.product_code, icc_masked = excluded.icc_masked, valid = excluded.valid, source = 'manual'`;

/** The last entry of a number decides. Resolves to how many there are. */
export async function upsertSubscriptions(
  tx: Tx,
  contractId: string,
  entries: ContractEntry['subscriptions'],
): Promise<number> {
  const rows = new Map(
    entries.map(({ iccid, ...entry }) => [
      entry.msisdn,
      { ...entry, icc_masked: iccid === undefined ? null : maskIcc(iccid) },
    ]),
  );
  await tx.query(upsert, [contractId, JSON.stringify([...rows.values()])]);
  return entries.length;
}

/** `8931440000123456789` -> `893144*********6789`: its issuer, and the end that is printed on the card. */
export function maskIcc(iccid: string): string {
  return `${iccid.slice(0, 6)}${'*'.repeat(iccid.length - 10)}${iccid.slice(-4)}`;
}
