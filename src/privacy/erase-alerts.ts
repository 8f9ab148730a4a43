/** What alerts say of a number that is erased. They name a subscription by its id, or by what masking leaves of its number. */
import type { Tx } from '../database/session.ts';
import { maskNumber } from '../log/mask.ts';

export interface AlertsOf {
  readonly customer: string;
  readonly customerId: string;
  readonly msisdn: string;
  readonly pseudonym: string;
  /** Of the subscriptions. */
  readonly ids: readonly string[];
}

/** A subject goes on with the cycle and the level, in `alert`. */
const aboutIt = `exists (select from names k, unnest($4::text[]) w(who)
    where starts_with(subject || ' ', k.name || ' subscription ' || w.who || ' '))`;

const names = `
  with names as (select c.code || '/' || k.provider || '/' || k.account_no as name
    from contract k join customer c on c.id = k.customer_id where c.id = $1)`;

/** $1 customer id, $2 what the number looks like, $3 its pseudonym, $4 how subjects name it. */
const renameAbout = (table: 'alert' | 'rule_alert') => `
  ${names}
  update ${table} set ${table === 'alert' ? `message = replace(message, $2, $3), detail = replace(detail::text, $2, $3)::jsonb, ` : ''}
    subject = replace(subject, $2, $3)
  where ${aboutIt} returning 1`;

/** Others that mention a number which looks like it, such as a line in quarantine: several look the same, so nobody is named. */
const blank = `
  update alert set subject = replace(subject, $3, $4), message = replace(message, $3, $4), detail = replace(detail::text, $3, $4)::jsonb
  where (subject like $1 || '/%' or subject = 'customer ' || $2)
    and (strpos(subject, $3) > 0 or strpos(message, $3) > 0 or strpos(detail::text, $3) > 0) returning 1`;

/** Resolves to the number of alerts that changed. */
export async function eraseAlerts(tx: Tx, { customer, customerId, msisdn, pseudonym, ids }: AlertsOf): Promise<number> {
  const masked = maskNumber(msisdn);
  const named = [...ids, masked];
  const about = await tx.query(renameAbout('alert'), [customerId, masked, pseudonym, named]);
  await tx.query(renameAbout('rule_alert'), [customerId, masked, pseudonym, named]);
  let others = 0;
  for (const shown of [msisdn, masked]) {
    others += (await tx.query(blank, [customer, customer, shown, '*'.repeat(shown.length)])).length;
  }
  return about.length + others;
}
