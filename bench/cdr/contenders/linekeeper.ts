/** Ours: the product's fused pass on the product's pool. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openThreadPool } from '../../../src/compute/open-pool.ts';
import { fusedPass } from '../../../src/kernel/fused-pass.ts';
import type { KernelArgs, KernelRating } from '../../../src/kernel/messages.ts';
import { priceTables } from '../../../src/kernel/rating/price-list.ts';
import type { RunKernelTask } from '../../../src/kernel/side-by-side.ts';
import type { Contender, ContenderOptions, Work } from '../contender.ts';
import { layout, per, prices } from '../prices.ts';
import { ruleTariff, timeZone } from '../tariff.ts';

const never = new AbortController().signal;

export async function open({ path, work, threads, dedupMemory }: ContenderOptions): Promise<Contender> {
  const pool = openThreadPool<KernelArgs>({ worker: new URL('../worker.ts', import.meta.url), threads });
  const run = (async (args, options) => (await pool.run(args, options)).result) as RunKernelTask;
  const rating = ratingOf(work);
  const scratch = mkdtempSync(join(tmpdir(), 'lk-cdr-'));
  return {
    async run() {
      const more = dedupMemory === undefined ? {} : { dedupMemory };
      const { rows } = await fusedPass({ path, layout, rating, run, threads, signal: never, scratch, ...more });
      return rows.map(({ subscriber, kind, records, unrated, usage, amountE8, chargeE8 }) => {
        const sums = { records, unrated, usage, amountE8, chargeE8 };
        return { subscriber: BigInt(subscriber), kind: layout.kinds[kind]!.word, ...sums };
      });
    },
    async close() {
      await pool.close();
      rmSync(scratch, { recursive: true });
    },
  };
}

function ratingOf(work: Work): KernelRating {
  if (work === 'flat')
    return { by: 'prices', tables: priceTables(prices(), per, { unitE8: 10_000, mode: 'half-away' }) };
  const json = Buffer.from(JSON.stringify(ruleTariff()));
  const tariff = new Uint8Array(new SharedArrayBuffer(json.length));
  tariff.set(json);
  const hash = createHash('sha256').update(json).digest('hex');
  return { by: 'rules', tariff, hash, timeZone, numberMask: 4 };
}
