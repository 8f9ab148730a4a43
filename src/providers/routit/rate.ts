/** `rate`: a chain for every end customer whose records or ratings changed, whoever changed them; the join comes when all ended. */
import { child, type Handler, succeeded } from '../../chains/define.ts';
import type { SyncInput } from '../sync-input.ts';

/** End customers of this reseller with a cycle that is not rated, or rated and not published. */
const toRate = `
  select distinct k.id, c.code as customer from reseller_delivery d
  join raw_file f on f.id = d.raw_file_id join contract k on k.id = f.contract_id join customer c on c.id = k.customer_id
  join cycle y on y.contract_id = k.id
  left join rating_run r on r.id = y.rating_run_id
  where d.contract_id = $1 and k.id <> $1 and y.revision > 0 and y.state in ('open', 'grace') and (
    r.id is null or r.revision <> y.revision or not exists (
      select from total_generation g where g.contract_id = y.contract_id and g.cycle_start = y.cycle_start
        and g.state in ('current', 'review') and g.rating_run_id = y.rating_run_id))
  order by k.id`;

export function fanOutCustomers(): Handler<SyncInput> {
  return async ({ read, input }) => {
    const customers = await read.query<{ id: string; customer: string }>(toRate, [input.contractId]);
    return succeeded({
      output: { customers: customers.length },
      children: customers.map(({ id, customer }) =>
        child(
          'routit-customer',
          { contractId: id, resellerId: input.contractId, syncTaskId: input.syncTaskId },
          { onChildFailure: 'ignore', subject: customer },
        ),
      ),
    });
  };
}
