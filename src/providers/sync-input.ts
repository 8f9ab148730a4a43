/** Input of every provider's sync chain, and the rows that its steps begin with. */
import { z } from 'zod';
import type { ReadSession } from '../database/session.ts';

const id = z.string().regex(/^[0-9]{1,19}$/, 'must be an id');

export const syncInput = z.strictObject({
  syncTaskId: id,
  profileId: id,
  contractId: id,
  force: z.boolean(),
  /** The same for all profiles that come with the same credential (`sessionKey`). */
  session: z.string().min(1).max(100).optional(),
});
export type SyncInput = z.infer<typeof syncInput>;

/** What a profile remembers between its runs. */
export interface Watermark {
  /** Names seen and not whole yet, with the number of runs that saw them, and how they looked. */
  readonly pending?: Readonly<Record<string, number>>;
  readonly stamps?: Readonly<Record<string, string>>;
  /** Usage is known up to here (ISO, UTC). */
  readonly readTo?: string;
  /** The window that was broken off, and where to go on. */
  readonly window?: PartWindow | null;
  /** Windows in which something was wrong: they are read once more. */
  readonly again?: readonly Window[];
  /** When it was last begun to read all again that may still change (ISO, UTC). */
  readonly lookedBack?: string;
  /** How often each trouble had its window read again, and in how many runs in a row. */
  readonly rereads?: Readonly<Record<string, number>>;
  readonly rereadRuns?: number;
  /** What was read to its end, and not looked at by an import yet. */
  readonly whole?: readonly WholeWindow[];
}

/** From and to are UTC instants, such as 2026-03-01T00:00:00Z; the second is not part of it. */
export interface Window {
  readonly from: string;
  readonly to: string;
}

export interface PartWindow extends Window {
  /** When its first page was read, as the names of pages say it. */
  readonly since?: string;
  readonly cursor: string;
  /** Items of the pages before. */
  readonly items: number;
}

export interface WholeWindow extends Window {
  readonly since: string;
}

export interface SyncSubject {
  readonly customer: string;
  readonly account: string;
  readonly profile: string;
  readonly transport: unknown;
  readonly watermark: Watermark;
  readonly cycleDay: number;
  readonly timeZone: string;
  readonly numberMask: number;
  readonly hashKey: Buffer;
  /** UTC epoch ms of the contract's first instant and of the one after its last; null: nobody told. */
  readonly contractFromMs: number | null;
  readonly contractToMs: number | null;
  /** The database's clock, UTC epoch ms. */
  readonly nowMs: number;
}

/** Of a contract `k`. */
export const contractTerm = `
  (extract(epoch from lower(k.valid)::timestamp at time zone k.time_zone) * 1000)::float8 as "contractFromMs",
  (extract(epoch from upper(k.valid)::timestamp at time zone k.time_zone) * 1000)::float8 as "contractToMs"`;

/** Throws when the profile is gone: nothing can be done for it any more, and a person should know. */
export async function readSyncSubject(session: ReadSession, input: SyncInput): Promise<SyncSubject> {
  const [row] = await session.query<SyncSubject>(
    `select c.code as customer, k.account_no as account, p.name as profile, p.transport, p.watermark,
       k.cycle_day as "cycleDay", k.time_zone as "timeZone", c.number_mask as "numberMask", c.hash_key as "hashKey", ${contractTerm},
       floor(extract(epoch from now()) * 1000)::float8 as "nowMs"
     from sync_profile p join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id
     where p.id = $1 and k.id = $2`,
    [input.profileId, input.contractId],
  );
  if (!row) throw new Error(`sync profile ${input.profileId} of contract ${input.contractId} does not exist any more`);
  return row;
}
