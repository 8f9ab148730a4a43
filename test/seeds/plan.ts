/**
 * What the providers do wrong in a run: the faults of domain.md 5.7 that these providers can meet, dealt so that a list of
 * seeds has every one of them at least once. The same seeds give the same plans.
 */
import type { FaultMenu } from '../../simulator/http/call-faults.ts';
import { callFaultMenu } from '../../simulator/http/serve.ts';
import { type Draw, drawFrom } from '../faults/draw.ts';

export const months = ['2026-03', '2026-04', '2026-10'] as const;
export const customers = 3;

/** A fault of an SP16 file, as the simulator's plan has it. */
export interface FileFault {
  readonly customer: string;
  readonly month: string;
  readonly fault: string;
  readonly arg?: string;
}

/** A fault of a call or a document of a provider behind HTTP. */
export interface CallFault {
  readonly at: string;
  readonly nth: number;
  readonly fault: string;
  readonly arg: Readonly<Record<string, unknown>>;
}

export interface SeedPlan {
  readonly seed: string;
  /** Of the simulated world. */
  readonly worldSeed: number;
  readonly files: readonly FileFault[];
  readonly calls: readonly CallFault[];
}

/** Kinds of a fault; none: it has only one. */
const fileFaults: Readonly<Record<string, readonly string[]>> = {
  F04: ['truncated', 'no-marker', 'wrong-sha'],
  F05: ['crc', 'count', 'sum'],
  F06: [],
  F07: [],
  F08: [],
  F11: [],
  F12: ['garbage', 'negative', 'future', 'before-contract', '27h'],
  F20: [],
};

type Dealt =
  | { readonly on: 'file'; readonly fault: string; readonly arg: string | null }
  | { readonly on: 'call'; readonly at: string; readonly fault: string; readonly kind: string };

/** Every fault with every kind, by the name that a report shows. */
export function everyFault(menu: FaultMenu = callFaultMenu): Dealt[] {
  const ofFiles = Object.entries(fileFaults).flatMap(([fault, kinds]): Dealt[] =>
    kinds.length === 0 ? [{ on: 'file', fault, arg: null }] : kinds.map((arg) => ({ on: 'file', fault, arg })),
  );
  const ofCalls = Object.entries(menu).flatMap(([at, faults]) =>
    Object.entries(faults).flatMap(([fault, kinds]) => kinds.map((kind): Dealt => ({ on: 'call', at, fault, kind }))),
  );
  return [...ofFiles, ...ofCalls];
}

/** One plan for each seed. All faults are dealt once; `atLeast` are drawn on top where that leaves a seed with fewer. */
export function plansOf(seeds: readonly string[], atLeast = 10): SeedPlan[] {
  const all = everyFault();
  const deck = drawFrom(seeds.join(' ')).shuffled(all);
  return seeds.map((seed, index) => {
    const draw = drawFrom(seed);
    const dealt = deck.filter((_, at) => at % seeds.length === index);
    while (dealt.length < atLeast) dealt.push(draw.pick(all));
    return planOf(seed, draw, dealt);
  });
}

/** For one seed alone: `count` faults drawn from it. */
export function planOfSeed(seed: string, count: number): SeedPlan {
  const draw = drawFrom(seed);
  return planOf(seed, draw, draw.shuffled(everyFault()).slice(0, count));
}

function planOf(seed: string, draw: Draw, dealt: readonly Dealt[]): SeedPlan {
  // a month of a customer has one fault at most; a gap shifts the numbers of all its files, so such a customer has no other
  let places = draw.shuffled(
    Array.from({ length: customers }, (_, index) => `C00${index + 1}`).flatMap((customer) =>
      months.map((month) => ({ customer, month })),
    ),
  );
  const files: FileFault[] = [];
  const calls: CallFault[] = [];
  const gapsFirst = dealt.toSorted((a, b) => Number(b.fault === 'F08') - Number(a.fault === 'F08'));
  for (const one of gapsFirst) {
    if (one.on === 'call') {
      calls.push({ at: one.at, nth: draw.int(1, 3), fault: one.fault, arg: argOf(one) });
      continue;
    }
    const place = places.pop();
    if (!place) continue;
    files.push({ ...place, fault: one.fault, ...(one.arg === null ? {} : { arg: one.arg }) });
    if (one.fault === 'F08') places = places.filter(({ customer }) => customer !== place.customer);
  }
  return { seed, worldSeed: draw.int(1, 1_000_000), files, calls };
}

/** Small enough for a test, large enough to be what it is. */
function argOf({ fault, kind }: { fault: string; kind: string }): Record<string, unknown> {
  if (fault === 'F02') return { kind, retryAfter: 1 };
  if (fault === 'F15') return { kind, bytesPerS: 4_096 };
  return { kind };
}

/** For people: `KPN_SP16 F05 crc of C001 2026-03`, `T_MOBILE.usage F14 twice at call 2`. */
export function faultsOf({ files, calls }: SeedPlan): string[] {
  return [
    ...files.map(
      ({ customer, month, fault, arg }) => `KPN_SP16 ${fault}${arg ? ` ${arg}` : ''} of ${customer} ${month}`,
    ),
    ...calls.map(({ at, nth, fault, arg }) => `${at} ${fault} ${arg.kind} at ${nth}`),
  ];
}
