/**
 * `fetch`: one child chain for every file on the work list, at most four of them at once with one credential, on all nodes
 * together. A child that fails fails alone: its customer is marked, the others go on, and the join comes when all have ended.
 */
import { type ChainDefinition, chain, child, failed, type Handler, succeeded } from '../../chains/define.ts';
import type { Tx } from '../../database/session.ts';
import { lockContract } from '../../totals/cycles.ts';
import { fetchWith, type Reading } from '../interpreter/fetch.ts';
import { type SyncInput, syncInput } from '../sync-input.ts';
import { connect } from './connection.ts';
import { type Downloaded, download } from './download.ts';
import type { RoutItServices } from './services.ts';
import { endContract, toFetch } from './work-list.ts';

const atOnce = 4;
const giveUpAfterMs = 15 * 60_000;

export const fetchInput = syncInput.extend({ deliveryId: syncInput.shape.contractId });
export type FetchInput = SyncInput & { readonly deliveryId: string };

interface Delivery {
  readonly customerNo: string;
  readonly period: string;
  readonly name: string;
  readonly url: string;
  readonly md5: string;
  readonly state: string;
}

const readDelivery = `
  select customer_no as "customerNo", to_char(period, 'YYYY-MM') as period, name, url, md5, state
  from reseller_delivery where id = $1 and contract_id = $2`;

const suspension = 'select suspended_reason as reason from sync_profile where id = $1';

export function fanOutFetches(): Handler<SyncInput> {
  return async ({ read, input }) => {
    const files = await read.query<{ id: string; customerNo: string; period: string }>(toFetch, [input.contractId]);
    return succeeded({
      output: { files: files.length },
      children: files.map(({ id, customerNo, period }) =>
        child(
          'routit-fetch',
          { ...input, deliveryId: id },
          { onChildFailure: 'ignore', subject: `${customerNo}/${period}` },
        ),
      ),
    });
  };
}

export function routItFetch(services: RoutItServices): ChainDefinition<FetchInput> {
  const options = {
    concurrency: { key: ({ session, profileId }: FetchInput) => `routit ${session ?? profileId}`, limit: atOnce },
    giveUpAfterMs: services.fetchGiveUpAfterMs ?? giveUpAfterMs,
  };
  return chain('routit-fetch', fetchInput).step('download', downloadOne(services), options);
}

function downloadOne(services: RoutItServices): Handler<FetchInput> {
  return async (context) => {
    const { read, input } = context;
    const [delivery] = await read.query<Delivery>(readDelivery, [input.deliveryId, input.contractId]);
    if (delivery?.state !== 'listed') return succeeded({ output: { fetched: false } });
    const [profile] = await read.query<{ reason: string | null }>(suspension, [input.profileId]);
    // a credential that was refused once would be refused again, and might lock the account
    if (profile?.reason && !input.force) return failed(`the profile is suspended: ${profile.reason}`);
    let got: Downloaded | null = null;
    const fetch = fetchWith(async (reading) => {
      got = await downloaded(reading, services, delivery);
      return { found: [], remember: (tx) => remember(tx, input, delivery, got!) };
    }, services);
    const fetched = await fetch(context);
    if (fetched.kind === 'ended') return fetched.outcome;
    const { md5 } = got as unknown as Downloaded;
    if (md5 !== delivery.md5) {
      return failed(
        `${delivery.name} came twice with other bytes than announced: md5 ${md5}, announced ${delivery.md5}`,
      );
    }
    return succeeded({ output: { fetched: true }, commit: async (tx) => void (await fetched.store(tx)) });
  };
}

async function downloaded(reading: Reading, services: RoutItServices, delivery: Delivery): Promise<Downloaded> {
  const { context } = reading;
  const connection = connect(reading, services);
  const onBytes = (bytes: number) => context.progress(bytes, bytes, 'bytes');
  return download(
    connection,
    services.archive,
    { url: new URL(delivery.url), md5: delivery.md5, onBytes },
    context.signal,
  );
}

const sameBytes = `
  select id from raw_file where contract_id = $1 and sha256 = decode($2, 'hex') and state <> 'duplicate'`;

/** Bytes that were here before and are the newest again: what came between them is superseded by them. */
const takeAgain = `
  update raw_file f set state = 'received', reason = null, version = 1 + (
    select max(o.version) from raw_file o where o.contract_id = f.contract_id and o.logical_key = f.logical_key)
  where f.id = $1 and f.state in ('quarantined', 'superseded')`;

const insertFile = `
  insert into raw_file (contract_id, profile_id, version, name, sha256, bytes, logical_key, state)
  select $1, $2, coalesce(max(version) filter (where state <> 'duplicate'), 0) + 1, $3, decode($4, 'hex'), $5, $6, 'received'
  from raw_file where contract_id = $1 and logical_key = $6
  returning id`;

const setFetched = `
  update reseller_delivery set state = 'fetched', reason = null, raw_file_id = $2, sync_task_id = $3, changed_at = now()
  where id = $1 and state = 'listed'`;

/** The file belongs to the end customer's contract; to the reseller's own as long as there is none. */
async function remember(tx: Tx, input: FetchInput, delivery: Delivery, file: Downloaded): Promise<void> {
  const [end] = await tx.query<{ id: string }>(endContract, [input.contractId, delivery.customerNo]);
  const owner = end?.id ?? input.contractId;
  await lockContract(tx, owner);
  const [known] = await tx.query<{ id: string }>(sameBytes, [owner, file.sha256]);
  if (known) await tx.query(takeAgain, [known.id]);
  const key = `${delivery.period}/${delivery.customerNo}`;
  const values = [owner, input.profileId, delivery.name, file.sha256, file.bytes, key];
  const [made] = known ? [known] : await tx.query<{ id: string }>(insertFile, values);
  await tx.query(setFetched, [input.deliveryId, made!.id, input.syncTaskId]);
}
