/** The two HTTP providers in this process, and the little that a client needs to ask them. */
import { calendar } from '../../../simulator/calendar.ts';
import { parseCallFaults } from '../../../simulator/http/call-faults.ts';
import {
  callFaultMenu,
  type HttpProviderName,
  type ServedProviders,
  serveProviders,
} from '../../../simulator/http/serve.ts';

export const secrets = { T_MOBILE: 'hidden', ROUTIT: 'riddle' };
export const months = ['2026-03', '2026-10'];

export function serve(
  providers: readonly HttpProviderName[],
  options: { records?: number; faults?: readonly unknown[]; seed?: number } = {},
): Promise<ServedProviders> {
  return serveProviders({
    port: 0,
    providers,
    seed: options.seed ?? 7,
    customers: 2,
    subs: 10,
    months,
    records: options.records ?? 1200,
    calendar: calendar('Europe/Amsterdam'),
    faults: parseCallFaults(options.faults ?? [], callFaultMenu),
    secrets,
    nowMs: Date.now,
  });
}

export async function control<T>(served: ServedProviders, method: string, path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const answer = await fetch(`${served.base}/_sim/${path}`, init);
  const value = (await answer.json()) as T & { error?: string };
  if (!answer.ok) throw new Error(value.error);
  return value;
}

export async function callsOf(served: ServedProviders, at: string): Promise<number> {
  const { endpoints } = await control<{ endpoints: Record<string, { calls: number }> }>(served, 'GET', 'stats');
  return endpoints[at]?.calls ?? 0;
}

interface CycleAmounts {
  account: string;
  cycleStart: string;
  records: string;
  totals: { providerAmountE8: string }[];
}

/** `account cycleStart` to its records and what the provider asks for them, 1e-8 EUR. */
export async function statedAmounts(served: ServedProviders): Promise<Map<string, { records: number; e8: bigint }>> {
  const { cycles } = await control<{ cycles: CycleAmounts[] }>(served, 'GET', 'truth');
  return new Map(
    cycles.map(({ account, cycleStart, records, totals }) => [
      `${account} ${cycleStart}`,
      {
        records: Number(records),
        e8: totals.reduce((sum, { providerAmountE8 }) => sum + BigInt(providerAmountE8), 0n),
      },
    ]),
  );
}

/** A decimal text with up to four decimals behind a point or a comma, in 1e-8 EUR. */
export function e8(text: string): bigint {
  return BigInt(text.replace(/[.,]/, '')) * 10_000n;
}
