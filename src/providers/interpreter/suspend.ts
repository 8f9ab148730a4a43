/**
 * Bad credentials, a changed host key, a certificate that nobody trusts: a second try would be refused as well, and might
 * lock the account. The profile waits for a person, and with it every other one that would come with the same credential.
 */
import type { Outcome, StepContext } from '../../chains/define.ts';
import type { SyncInput } from '../sync-input.ts';
import type { TransportError } from '../transports/transport.ts';
import type { InterpreterServices } from './services.ts';

const withSameCredential = `
  select p.id, c.code as customer, p.name as profile
  from sync_profile p join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id
  where p.id = $1 or ($2 and p.enabled and p.session_key = $3)
  order by p.id`;

const suspendThem = `
  update sync_profile set suspended_reason = $2 where id = any($1) and (id = $3 or suspended_reason is null)`;

const failTask = `update sync_task set status = 'failed', finished_at = now() where id = $1 and status = 'open'`;

export async function suspend(
  { alerts }: InterpreterServices,
  { read, input }: StepContext<SyncInput>,
  error: TransportError,
): Promise<Outcome> {
  const values = [input.profileId, error.ofCredential, input.session ?? null];
  const profiles = await read.query<{ id: string; customer: string; profile: string }>(withSameCredential, values);
  for (const { id, customer, profile } of profiles) {
    alerts.raise({
      rule: 'profile.suspended',
      subject: `profile ${id}`,
      level: 'critical',
      message: `profile ${customer}/${profile} is suspended: ${error.message}; when that is mended: linekeeper sync resume --customer ${customer} --profile ${profile}`,
    });
  }
  const ids = profiles.map(({ id }) => id);
  return {
    kind: 'failed',
    reason: error.message,
    commit: async (tx) => {
      await tx.query(suspendThem, [ids, error.message, input.profileId]);
      await tx.query(failTask, [input.syncTaskId]);
      return null;
    },
  };
}
