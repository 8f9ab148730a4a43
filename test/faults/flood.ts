/**
 * Row 13 as one scenario: very many chains at once, and one with very many children, for a single service. All of it is done,
 * the checkers are satisfied, and the memory of the process that does it stays bounded: what waits is rows.
 */
import { readFileSync } from 'node:fs';
import { checkers } from './checkers.ts';
import { soon } from './fault.ts';
import { createLoad } from './load.ts';
import { openStage } from './stage.ts';
import { burst, family } from './workload-chains.ts';

export interface FloodOptions {
  readonly chains: number;
  readonly children: number;
  /** The process may grow by so much. */
  readonly mostGrowthMb: number;
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
}

/** Resolves to what is wrong. */
export async function runFlood({ chains, children, mostGrowthMb, timeoutMs, say }: FloodOptions): Promise<string[]> {
  const stage = await openStage({ services: [1], ownDisk: false, say });
  const findings: string[] = [];
  try {
    const [service] = stage.services;
    await stage.works(service!);
    const restMb = residentMb(service!.pid());
    let peakMb = restMb;
    const watching = setInterval(() => {
      peakMb = Math.max(peakMb, residentMb(service!.pid()));
    }, 100);
    const load = createLoad(stage);
    const beganMs = performance.now();
    const seconds = () => ((performance.now() - beganMs) / 1_000).toFixed(1);
    await load.enqueue(family, { children });
    for (let sent = 0; sent < chains; sent += 1_000) {
      const many = Array.from({ length: Math.min(1_000, chains - sent) }, () =>
        load.enqueue(burst, { ms: 0 }, { uniqueKey: undefined }),
      );
      await Promise.all(many);
    }
    say(`${seconds()} s: ${chains} chains and the parent of ${children} are in`);
    const open = `select count(*)::int as n from chain where state not in ('succeeded', 'failed', 'cancelled', 'dead')`;
    if (!(await soon(async () => (await stage.ask(open))[0]!.n === 0, timeoutMs))) {
      findings.push(`after ${timeoutMs / 1_000} s ${(await stage.ask(open))[0]!.n} chains are still open`);
    }
    clearInterval(watching);
    say(`${seconds()} s: all done; the process grew from ${restMb} to at most ${peakMb} MB`);
    if (peakMb - restMb > mostGrowthMb) findings.push(`the process grew by ${peakMb - restMb} MB`);
    for (const { name, check } of checkers) {
      for (const line of await check({ ask: stage.ask, acknowledged: load.acknowledged() }))
        findings.push(`${name}: ${line}`);
    }
    return findings;
  } finally {
    await stage.close();
  }
}

function residentMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024);
}
