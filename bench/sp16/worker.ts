/** Pool worker of the bench: one whole file decoded, verified, deduplicated, rated and totalled. */
import { threadEntry } from '../../src/compute/worker-entry.ts';
import { decodeFile } from '../../src/providers/decode/decode-file.ts';
import { kpnSp16Layout } from '../../src/providers/kpn-sp16/spec.ts';
import { compileTariff } from '../../src/telecom/compile-tariff.ts';
import type { UsageTotal } from '../../src/telecom/totals.ts';
import { FusedSink } from './fused-sink.ts';
import type { BenchFile } from './generate.ts';
import { benchTariff } from './tariff.ts';

export interface FusedArgs extends BenchFile {
  readonly task: 'fused';
}
export interface FusedResult {
  readonly records: number;
  readonly totals: readonly UsageTotal[];
}

const timeZone = 'Europe/Amsterdam';
const tariff = compileTariff(benchTariff, timeZone);

export default threadEntry(async (args: FusedArgs, control): Promise<FusedResult> => {
  const sink = new FusedSink(tariff);
  const nowMs = Date.UTC(2026, 10, 20);
  const outcome = await decodeFile(
    { ...args, spec: kpnSp16Layout, compression: 'none', timeZone, numberMask: 4, hashKey: null, nowMs },
    sink,
    control,
  );
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return { records: outcome.file.records, totals: sink.totals() };
});
