/** What is done to the stage and in which order, from the seed alone: in each lane every fault once before any comes again. */
import type { Draw } from './draw.ts';
import type { Fault, Lane } from './fault.ts';

export interface PlannedFault {
  readonly fault: Fault;
  /** After the one before it in its lane has been undone. */
  readonly gapMs: number;
  readonly draw: Draw;
}

export type Plan = Readonly<Record<Lane, readonly PlannedFault[]>>;

export const lanes: readonly Lane[] = ['nodes', 'stores', 'network', 'work'];

/** More than an hour takes. */
const mostOfALane = 2_000;
const longestGapMs = 3_000;

/** `counts`: so many of each lane; without it as many as the time allows. */
export function drawPlan(draw: Draw, faults: readonly Fault[], counts?: Readonly<Record<Lane, number>>): Plan {
  const lane = (name: Lane): PlannedFault[] => {
    const own = draw.fork(name);
    const all = faults.filter((fault) => fault.lane === name);
    const planned: PlannedFault[] = [];
    const wanted = all.length === 0 ? 0 : (counts?.[name] ?? mostOfALane);
    while (planned.length < wanted) {
      for (const fault of own.shuffled(all)) {
        const number = planned.length;
        planned.push({ fault, gapMs: own.int(0, longestGapMs), draw: own.fork(`${number} ${fault.name}`) });
      }
    }
    return planned.slice(0, wanted);
  };
  return { nodes: lane('nodes'), stores: lane('stores'), network: lane('network'), work: lane('work') };
}
