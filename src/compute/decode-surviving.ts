/**
 * Decodes a file although a record of it may end the thread that reads it (F19: out of memory, a crash in native code). Such a
 * record is found by halving the file until one line alone ends a thread; it goes to quarantine unread and the rest is decoded.
 *
 * A file whose thread dies without any record being to blame, or with more than `mostPoison` to blame, is refused
 * (`kills-its-thread`). Each try costs a thread, some 26 ms and a pass over the bytes: 20 of them for a million lines. Neighbours
 * in the pool notice nothing. An abort ends the search; what the task itself throws is thrown.
 */
import { rm } from 'node:fs/promises';
import type { ComputePool } from './pool.ts';
import type { DecodeArgs, DecodeResult } from './tasks/messages.ts';
import { ThreadDiedError } from './thread-died.ts';

export interface SurvivingRun {
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

const mostPoison = 4;

export async function decodeSurviving(
  pool: Pick<ComputePool, 'run'>,
  args: DecodeArgs,
  run: SurvivingRun,
): Promise<DecodeResult> {
  const first = await attempt(pool, args, run);
  if (first !== null) return first;
  const probe = { ...args, spoolPath: `${args.spoolPath}.probe` };
  const skip: number[] = [];
  try {
    // cut into lines, and no record decoded
    const counted = await attempt(pool, { ...probe, only: { from: 1, to: 0 } }, run);
    if (counted === null) return refusal(args, 'ends the thread that cuts it into records');
    if (!counted.ok) return counted;
    while (skip.length < mostPoison) {
      const line = await findPoison(pool, { ...probe, skip }, counted.lines, run);
      if (line === null && skip.length === 0)
        return refusal(args, 'ended the thread that decoded it, and no record alone does');
      if (line !== null) skip.push(line);
      const rest = await attempt(pool, { ...args, skip }, run);
      if (rest !== null) return rest;
      if (line === null) break;
    }
    return refusal(args, `ended the threads that decoded it, also without the lines ${skip.join(', ')}`);
  } finally {
    await rm(probe.spoolPath, { force: true });
  }
}

/** The first line that ends a thread when it is decoded alone; null when none does. */
async function findPoison(
  pool: Pick<ComputePool, 'run'>,
  args: DecodeArgs,
  lines: number,
  run: SurvivingRun,
): Promise<number | null> {
  const kills = async (from: number, to: number) =>
    (await attempt(pool, { ...args, only: { from, to } }, run)) === null;
  let from = 1;
  let to = lines;
  // the lines up to `to` end a thread, those before `from` do not
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (await kills(from, middle)) to = middle;
    else from = middle + 1;
  }
  return (await kills(from, from)) ? from : null;
}

/** Null when the thread died. */
async function attempt(
  pool: Pick<ComputePool, 'run'>,
  args: DecodeArgs,
  run: SurvivingRun,
): Promise<DecodeResult | null> {
  try {
    const { result } = await pool.run(args, run);
    return result;
  } catch (error) {
    if (error instanceof ThreadDiedError) return null;
    throw error;
  }
}

function refusal(args: DecodeArgs, what: string): DecodeResult {
  const message = `${args.name}: ${what}`;
  return { ok: false, problem: { code: 'kills-its-thread', line: null, field: null, value: null, message } };
}
