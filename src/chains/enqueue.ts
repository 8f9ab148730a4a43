/**
 * The door through which every chain comes in: the input is checked against the definition's schema and for what JSON
 * columns cannot hold, before any row is written. Inside a caller's transaction the chain is there if and only if that
 * commits; nothing then signals it, the sweep finds it (or the caller publishes the id after its commit).
 */
import { capture } from '../../otel/context.ts';
import { makeTraceparent } from '../../otel/traceparent.ts';
import type { Database, Tx } from '../database/session.ts';
import type { Signals } from '../signals/signals.ts';
import type { ChainDefinition, Json } from './define.ts';
import { createGroupEnqueue, type GroupEnqueue, insertLinked, insertMany } from './group-enqueue.ts';
import { cleanText, serialise } from './payload.ts';
import { type Priority, priorities } from './priority.ts';
import type { AnyDefinition, Registry } from './registry.ts';
import { type SlotNeed, slotNeedOf } from './slots.ts';

export interface EnqueueOptions {
  /** What it is about, for lists, such as `C001/KPN_SP16`. Nothing personal. */
  readonly subject?: string;
  readonly priority?: Priority;
  /** Not before this instant of the database's clock. */
  readonly runAt?: Date;
  /** While a chain with this key is open (dead and quarantined ones are not), no second one is made. */
  readonly uniqueKey?: string;
  /** The caller's trace; a new root without one. */
  readonly traceparent?: string;
  readonly requestedBy?: string;
  /** What to do with a name that this release does not know: refuse (default), or store the chain as `blocked`. */
  readonly unknown?: 'refuse' | 'block';
}

export interface Enqueued {
  readonly chainId: string;
  /** False when the unique key led to a chain that was already open. */
  readonly created: boolean;
}

export class InputRefusedError extends Error {
  override readonly name = 'InputRefusedError';
}

export class UnknownChainError extends Error {
  override readonly name = 'UnknownChainError';
}

/**
 * Throws InputRefusedError, PayloadError or UnknownChainError before anything is written.
 * With a `Database` it runs on its own and signals; with a `Tx` it joins the caller's transaction.
 */
export type Enqueue = <Input extends Json>(
  session: Database | Tx,
  chain: ChainDefinition<Input> | string,
  input: Input,
  options?: EnqueueOptions,
) => Promise<Enqueued>;

/** A chain that opens another without a delay opens at most so many in a row. */
const maxGeneration = 1_000;

/** A chain to be, checked. */
export interface Checked {
  readonly name: string;
  readonly version: number;
  readonly step: string;
  readonly input: string;
  readonly blocked: string | null;
  readonly slot: SlotNeed | null;
}

export function createEnqueue({ registry, signals }: { registry: Registry; signals: Signals }): Enqueue {
  const groups = new WeakMap<Database, GroupEnqueue>();
  const groupOf = (database: Database): GroupEnqueue => {
    const group = groups.get(database) ?? createGroupEnqueue(database);
    groups.set(database, group);
    return group;
  };
  return async (session, chain, input, options = {}) => {
    const row = checkNew(registry, chain, input, options);
    const generation = options.runAt ? 0 : nextGeneration(row.name);
    const add = (into: Pick<Tx, 'query'>) => insert(into, row, options, generation);
    if (!('transaction' in session)) return add(session);
    const alone = row.slot !== null || generation > 0;
    const enqueued = options.uniqueKey
      ? await session.transaction(add)
      : alone
        ? await add(session)
        : { chainId: await groupOf(session).insert(columnsOf(row, options)), created: true };
    signals.publish(enqueued.chainId);
    return enqueued;
  };
}

/** 0 outside a step; throws InputRefusedError for a row of chains without end. */
function nextGeneration(name: string): number {
  const context = capture();
  if (context?.chainId === undefined) return 0;
  const generation = (context.generation ?? 0) + 1;
  if (generation <= maxGeneration) return generation;
  throw new InputRefusedError(
    `step ${context.step} of chain ${context.chainId} opens chain ${name} as number ${generation} of a row in which each opened the next at once; give it a runAt, or end the row`,
  );
}

/** In the order of `insertMany`. */
export function columnsOf(row: Checked, options: EnqueueOptions): unknown[] {
  return [
    row.name,
    row.version,
    row.step,
    priorities[options.priority ?? 'normal'],
    options.runAt ?? null,
    row.blocked,
    options.traceparent ?? makeTraceparent(),
    options.subject ?? null,
    row.input,
    options.requestedBy ?? null,
  ];
}

/** Checks it as a door must. Throws InputRefusedError, PayloadError or UnknownChainError. */
export function checkNew(
  registry: Registry,
  chain: AnyDefinition | string,
  input: Json,
  options: Pick<EnqueueOptions, 'unknown'> = {},
): Checked {
  const definition = typeof chain === 'string' ? registry.newest(chain) : chain;
  if (!definition) {
    const name = String(chain);
    if (options.unknown !== 'block') {
      const known = registry.definitions.map((one) => one.name).join(', ') || 'none';
      throw new UnknownChainError(`no chain is named ${cleanText(name, 80)}; known: ${known}`);
    }
    const blocked = `this release defines no chain named ${cleanText(name, 80)}`;
    return { name, version: 1, step: '', input: serialise(input, `input of chain ${name}`), blocked, slot: null };
  }
  const checked = definition.inputSchema.safeParse(input);
  if (!checked.success) {
    const issues = checked.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
    throw new InputRefusedError(`chain ${definition.name} refuses its input: ${issues.join('; ')}`);
  }
  const text = serialise(checked.data as Json, `input of chain ${definition.name}`);
  const first = definition.steps[0]!;
  const slot = refusing(() => slotNeedOf(first, definition.name, checked.data as Json));
  return { name: definition.name, version: definition.version, step: first.name, input: text, blocked: null, slot };
}

function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new InputRefusedError((error as Error).message, { cause: error });
  }
}

async function insert(
  session: Pick<Tx, 'query'>,
  row: Checked,
  options: EnqueueOptions,
  generation: number,
): Promise<Enqueued> {
  if (options.uniqueKey) {
    const open = await openChainOf(session, options.uniqueKey);
    if (open) return { chainId: open, created: false };
  }
  const columns = columnsOf(row, options).map((value) => [value]);
  const plain = row.slot === null && generation === 0;
  const more = [[row.slot?.key ?? null], [row.slot?.limit ?? null], [null], null, null, 0, generation];
  const [inserted] = plain
    ? await session.query<{ id: string }>(insertMany, columns)
    : await session.query<{ id: string }>(insertLinked, [...columns, ...more]);
  if (options.uniqueKey) await session.query(giveKey, [options.uniqueKey, inserted!.id]);
  return { chainId: inserted!.id, created: true };
}

/**
 * Locks the key's row for the rest of the transaction, so that of two callers the second sees the first one's chain, and
 * returns the open chain that has it. The look at the chain is a statement of its own: it needs a snapshot taken after the
 * lock was granted.
 */
export async function openChainOf(session: Pick<Tx, 'query'>, uniqueKey: string): Promise<string | null> {
  const [key] = await session.query<{ chain_id: string }>(lockKey, [uniqueKey]);
  const [open] = await session.query<{ id: string }>(openChain, [key!.chain_id]);
  return open?.id ?? null;
}

const lockKey = `
  insert into chain_key (key, chain_id) values ($1, 0)
  on conflict (key) do update set key = excluded.key
  returning chain_id`;

const openChain = `
  select id from chain
  where id = $1 and state not in ('succeeded', 'failed', 'cancelled', 'dead', 'quarantined')`;

/** Also tells the chain which key it has. */
export const giveKey = `
  with given as (update chain_key set chain_id = $2 where key = $1)
  update chain set unique_key = $1 where id = $2`;
