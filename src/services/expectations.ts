/** Chains that did not do what is expected of them, as findings. */
import { type ExpectedChain, findUnmet } from '../chains/expectation.ts';
import type { Database } from '../database/session.ts';
import type { Finding } from './findings.ts';

export async function unmetExpectations(
  database: Database,
  definitions: readonly ExpectedChain[],
): Promise<readonly Finding[]> {
  const unmet = await findUnmet(database, definitions);
  return unmet.map(({ chain, everyMs, lastSuccessAt }) => {
    const last = lastSuccessAt === null ? 'has not succeeded yet' : `last succeeded at ${lastSuccessAt.toISOString()}`;
    const message = `chain ${chain} is expected to succeed every ${durationText(everyMs)} and ${last}; look with: linekeeper chain list --name ${chain}, linekeeper schedule list`;
    return { rule: 'chain.expected', subject: chain, message, detail: { everyMs }, count: 1 };
  });
}

function durationText(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}
