/**
 * `purge`: what is past its retention goes, in bounded transactions: by itself once a day (the chain `purge`, on any node), or when
 * a person asks. Idempotent: nodes pass over what another one holds, and an interrupted purge goes on where it was. Totals, digests
 * and generations stay what they are.
 */
import { z } from 'zod';
import type { Archive } from '../archive/archive.ts';
import { type ChainDefinition, chain, rejected, succeeded } from '../chains/define.ts';
import type { Database, ReadSession, Tx } from '../database/session.ts';
import { type FilesRemoved, filesPending, foreseeFiles, purgeFiles } from './purge-files.ts';
import { foreseeRecords, purgeRecords, type RecordsRemoved, recordsPending } from './purge-records.ts';
import { foreseeSuspense, purgeSuspense, suspensePending } from './purge-suspense.ts';
import { foreseeTotals, purgeTotals, totalsPending } from './purge-totals.ts';

export interface Purged extends FilesRemoved, Omit<RecordsRemoved, 'begun' | 'busy'> {
  /** Cycles whose records are past their time. */
  readonly cycles: number;
  /** Cycles whose totals, invoices and reconciliations went. */
  readonly totals: number;
  /** A reseller's deliveries that nobody was told of, and their records. */
  readonly suspense: number;
  readonly suspenseRecords: number;
  /** Cycles past their time that are kept because nobody closed them. */
  readonly keptOpen: number;
  /** There is more; the schedule goes on with it. */
  readonly more: boolean;
}

export type PurgeArchive = Pick<Archive, 'remove'>;

/** Rows of one table in one transaction. */
const batchRows = 5_000;

const pending = `select ${recordsPending} or ${filesPending} or ${suspensePending} or ${totalsPending} as more`;

export async function isPurgePending(session: Pick<ReadSession, 'query'>): Promise<boolean> {
  const [row] = await session.query<{ more: boolean }>(pending);
  return row!.more;
}

type Round = Omit<Purged, 'keptOpen' | 'more'> & { readonly busy: boolean };

/** One bounded piece, in the caller's transaction. */
export async function purgeRound(tx: Tx, archive: PurgeArchive, batch = batchRows): Promise<Round> {
  const totals = await purgeTotals(tx);
  const waited = await purgeSuspense(tx, batch);
  const suspense = { suspense: waited.deliveries, suspenseRecords: waited.records };
  const files = await purgeFiles(tx, archive, batch);
  const { begun, ...records } = await purgeRecords(tx, batch);
  const removed = { ...files, ...suspense, ...records, cycles: begun, totals };
  if (sizeOf(removed) > 0) await tx.query(record, [JSON.stringify(removed)]);
  return removed;
}

const record = `insert into audit (actor, action, subject, detail) values ('purge', 'purge.removed', 'retention', $1)`;

function sizeOf({ partitions, busy: _busy, bytes: _bytes, ...counts }: Round): number {
  return Object.values(counts).reduce((sum, count) => sum + count, partitions.length);
}

const none = {
  files: 0,
  bytes: 0,
  quarantine: 0,
  suspense: 0,
  suspenseRecords: 0,
  cdr: 0,
  rated: 0,
  cycles: 0,
  totals: 0,
};

/** Goes on until nothing is left, or for `rounds`; what somebody else holds is left. */
export async function purgeNow(
  database: Database,
  archive: PurgeArchive,
  { rounds = 200, batch = batchRows } = {},
): Promise<Purged> {
  const sum = { ...none, partitions: [] as string[] };
  for (let round = 0; round < rounds && (await isPurgePending(database)); round += 1) {
    const done = await database.transaction((tx) => purgeRound(tx, archive, batch));
    for (const key of Object.keys(none) as (keyof typeof none)[]) sum[key] += done[key];
    sum.partitions.push(...done.partitions);
    if (sizeOf(done) === 0) break;
  }
  const { keptOpen } = await foreseeRecords(database);
  return { ...sum, keptOpen, more: await isPurgePending(database) };
}

/** What `purgeNow` would remove now. Whether it drops partitions depends on the locks of that moment. */
export async function foreseePurge(session: Pick<ReadSession, 'query'>): Promise<Purged> {
  const { begun, ...records } = await foreseeRecords(session);
  const files = await foreseeFiles(session);
  const waiting = await foreseeSuspense(session);
  const suspense = { suspense: waiting.deliveries, suspenseRecords: waiting.records };
  const totals = await foreseeTotals(session);
  return { ...files, ...suspense, ...records, cycles: begun, partitions: [], totals, more: false };
}

/** Two of its schedule's periods and some hours. */
const expectedEveryMs = 54 * 3_600_000;

/** Each round is a try of the step that keeps what it did; the last one finds nothing left. */
export function purgeChain(archive: PurgeArchive): ChainDefinition<Record<string, unknown>> {
  const expect = { successEveryMs: expectedEveryMs };
  return chain('purge', z.record(z.string(), z.unknown()), 1, { expect }).step('purge', async ({ read }) => {
    if (!(await isPurgePending(read))) return succeeded();
    const commit = async (tx: Tx) => ({ ...(await purgeRound(tx, archive)) });
    return rejected('there is more to purge', { afterMs: 1_000, commit });
  });
}
