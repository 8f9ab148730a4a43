/** Months, local texts and clock changes of one time zone, for the traffic and the file layout. UTC seconds throughout. */
import { offsetLookup } from './evaluator/wall-clock.ts';

export interface Calendar {
  timeZone: string;
  /** `2026-03` -> its first second and the first second of the month after it. */
  monthRange(month: string): { fromS: number; toS: number };
  /** `yyyymmddhhmmss` on the wall clock. */
  localText(utcS: number): string;
  /** `2026-03` */
  monthOf(utcS: number): string;
  hourOf(utcS: number): number;
  /** Local `2026-04-16T12:00:00` as UTC seconds; a time that does not exist moves forward. */
  instantOf(local: string): number;
  dstFlag(utcS: number): 'S' | 'W';
  /** True when the wall shows this time twice. */
  isAmbiguous(utcS: number): boolean;
  /** The instants in [fromS, toS) at which the wall clock jumps. */
  clockChanges(fromS: number, toS: number): { atS: number; backward: boolean }[];
}

export function calendar(timeZone: string): Calendar {
  const offsetAt = offsetLookup(timeZone);
  const instantOf = (local: string) =>
    Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone).epochMilliseconds / 1000;
  const localText = (utcS: number) => isoLocal(utcS + offsetAt(utcS)).replace(/\D/g, '');
  const standardOffset = (utcS: number) => {
    const year = isoLocal(utcS + offsetAt(utcS)).slice(0, 4);
    return Math.min(offsetAt(instantOf(`${year}-01-01T12:00:00`)), offsetAt(instantOf(`${year}-07-01T12:00:00`)));
  };
  return {
    timeZone,
    monthRange: (month) => {
      const first = Temporal.PlainDate.from(`${month}-01`);
      return { fromS: instantOf(`${first}T00:00:00`), toS: instantOf(`${first.add({ months: 1 })}T00:00:00`) };
    },
    localText,
    monthOf: (utcS) => isoLocal(utcS + offsetAt(utcS)).slice(0, 7),
    hourOf: (utcS) => Number(localText(utcS).slice(8, 10)),
    instantOf,
    dstFlag: (utcS) => (offsetAt(utcS) === standardOffset(utcS) ? 'W' : 'S'),
    isAmbiguous: (utcS) => {
      const offsetS = offsetAt(utcS);
      return offsetAt(utcS + 3600) === offsetS - 3600 || offsetAt(utcS - 3600) === offsetS + 3600;
    },
    clockChanges: (fromS, toS) => {
      const changes: { atS: number; backward: boolean }[] = [];
      for (let atS = fromS + 3600; atS < toS; atS += 3600) {
        const step = offsetAt(atS) - offsetAt(atS - 1);
        if (step !== 0) changes.push({ atS, backward: step < 0 });
      }
      return changes;
    },
  };
}

function isoLocal(localS: number): string {
  return new Date(localS * 1000).toISOString().slice(0, 19);
}
