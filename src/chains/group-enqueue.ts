/**
 * Group enqueue: chains that many callers open at about the same time, without a unique key and outside a transaction of
 * their own, go in one statement, up to 500. There is no timer: a lone caller's row goes at once and alone. Everybody
 * resolves when the statement has committed, or rejects with its error; one that PostgreSQL refuses is found by halving.
 */
import type { Database } from '../database/session.ts';

/** One chain to be, as the columns of `insertMany`. */
export type NewChain = readonly unknown[];

const largest = 500;
const writers = 2;

interface Waiting {
  readonly chain: NewChain;
  readonly resolve: (chainId: string) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupEnqueue {
  insert(chain: NewChain): Promise<string>;
}

export function createGroupEnqueue(database: Pick<Database, 'query'>): GroupEnqueue {
  let waiting: Waiting[] = [];
  let running = 0;
  let begun = false;

  function begin(): void {
    if (begun || running >= writers || waiting.length === 0) return;
    begun = true;
    setImmediate(() => {
      begun = false;
      const group = waiting.slice(0, largest);
      waiting = waiting.slice(largest);
      running += 1;
      void write(group).finally(() => {
        running -= 1;
        begin();
      });
      begin();
    });
  }

  /** Never rejects. */
  async function write(group: readonly Waiting[]): Promise<void> {
    const columns = group[0]!.chain.map((_, at) => group.map(({ chain }) => chain[at]));
    try {
      const rows = await database.query<{ id: string }>(insertMany, columns);
      for (const [at, { resolve }] of group.entries()) resolve(rows[at]!.id);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (group.length === 1 || typeof code !== 'string' || !/^(22|23|54)...$/.test(code)) {
        for (const { reject } of group) reject(error);
        return;
      }
      const half = Math.ceil(group.length / 2);
      await write(group.slice(0, half));
      await write(group.slice(half));
    }
  }

  return {
    insert: (chain) =>
      new Promise((resolve, reject) => {
        waiting.push({ chain, resolve, reject });
        begin();
      }),
  };
}

/**
 * One array for each column: $1 names, $2 versions, $3 steps, $4 priorities, $5 not before, $6 why blocked, $7 traceparents,
 * $8 subjects, $9 inputs, $10 who asked. Ids come back in the order of the arrays.
 */
export const insertMany = `
  insert into chain (name, version, step, priority, state, run_at, reason, reason_by, traceparent, subject, input,
                     requested_by)
  select name, version, step, priority,
         (case when blocked is not null then 'blocked' when run_at > now() then 'timer' else 'ready' end)::chain_state,
         coalesce(run_at, now()), blocked, case when blocked is not null then 'engine' end,
         traceparent, subject, input::jsonb, requested_by
  from unnest($1::text[], $2::smallint[], $3::text[], $4::smallint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
              $9::text[], $10::text[]) with ordinality
       as c (name, version, step, priority, run_at, blocked, traceparent, subject, input, requested_by, place)
  order by place
  returning id`;
