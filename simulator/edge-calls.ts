/**
 * Calls placed on purpose where rating goes wrong: exact step and increment borders, band borders, midnight, the borders
 * of the month, both clock changes, the tariff changes. Every account and month has them, so that no seed is without.
 */
import { fixed, international, mobile, satellite } from './numbers.ts';
import type { Random } from './random.ts';
import { type Draft, onNet, type TrafficPlace, voiceDraft } from './traffic.ts';

const exactLengths = [0, 1, 29, 30, 31, 35, 36, 37, 59, 60, 61, 66, 119, 120, 121, 600, 14_523];

/** `tariffChanges`: local texts of the version borders of the account's tariff. */
export function edgeCalls(random: Random, place: TrafficPlace, tariffChanges: readonly string[]): Draft[] {
  const { calendar, fromS, toS } = place;
  const month = calendar.monthOf(fromS);
  const at = (day: number, time: string) => calendar.instantOf(`${month}-${String(day).padStart(2, '0')}T${time}`);
  const call = (startS: number, quantity: number, to = mobile(random)): Draft => ({
    ...voiceDraft(random, place, { startS, quantity, to }),
    dstFlag: calendar.dstFlag(startS),
    isEdge: true,
  });
  const changes = calendar.clockChanges(fromS, toS);
  const edges = changes.filter((change) => change.backward).flatMap((change) => passAnchors(change.atS, call));
  for (const { atS } of changes) {
    for (const [before, length] of [
      [600, 1800],
      [1830, 5400],
      [5400, 14_400],
      [1, 2],
      [61, 60],
    ] as const) {
      edges.push(call(atS - before, length));
      edges.push(call(atS - before, length, fixed(random)));
    }
  }
  for (const change of tariffChanges.map(calendar.instantOf).filter((atS) => atS >= fromS && atS < toS)) {
    for (const before of [0, 1, 15, 40, 3600]) {
      edges.push(call(change - before, 61), call(change - before, before + 95, fixed(random)));
    }
  }
  edges.push(call(fromS, 61), call(fromS + 1, 30, fixed(random)), call(toS - 1, 1), call(toS - 30, 120));
  for (const length of exactLengths) {
    edges.push(call(at(4, '12:00:00'), length), call(at(7, '12:00:00'), length, onNet(random, place)));
  }
  for (let day = 5; day <= 11; day++) {
    edges.push(
      call(at(day, '23:59:30'), 61),
      call(at(day, '23:59:21'), 100),
      call(at(day, '23:58:15'), 200, fixed(random)),
    );
    edges.push(
      call(at(day, '07:59:50'), 40),
      call(at(day, '17:59:50'), 40),
      call(at(day, '17:59:25'), 95, fixed(random)),
    );
    for (const border of ['02:30:00', '08:00:00', '18:00:00']) {
      edges.push(call(at(day, border), 20), call(at(day, border) - 1, 1, fixed(random)));
    }
    edges.push(call(at(day, '02:29:35'), 75), call(at(day, '23:00:00'), day === 8 ? 45_000 : 4000, fixed(random)));
  }
  edges.push(call(at(12, '10:00:00'), 60, international(random)), call(at(12, '11:00:00'), 90, satellite(random)));
  edges.push({ ...call(at(13, '09:30:00'), 45), callCode: '9999' });
  return edges.filter((edge) => edge.startS >= fromS && edge.startS < toS);
}

/**
 * One call late in the first pass of the doubled hour and one at the start of the second, both without a flag: time goes
 * back between them, so whoever reads the file in order knows the pass of every line without a flag.
 */
function passAnchors(atS: number, call: (startS: number, quantity: number) => Draft): Draft[] {
  return [atS - 20, atS + 5].map((startS) => ({ ...call(startS, 90), dstFlag: '' as const }));
}
